"""Launchers' knobs are checked by the plugins' own types, before anything starts; two launchers really run jobs."""

import json
import os
from pathlib import Path

import pytest
import small_verb
from small_verb import app

from railyard.core.config.compose import Composition
from railyard.core.sweeping import launchers
from railyard.core.sweeping.grid import Grid


def node(*words):
    return Composition("train", words).config.hydra


def found(*words):
    return [(".".join(fault.key), fault.message) for fault in launchers.faults(node(*words))]


@pytest.mark.parametrize("name", ["basic", "joblib", "submitit", "submitit_local"])
def test_the_presets_are_right(name, work):
    assert found(f"hydra/launcher={name}") == []


@pytest.mark.parametrize(
    ("words", "key", "part"),
    [
        (["hydra/launcher=joblib", "hydra.launcher.n_job=3"], "n_job", "did you mean 'n_jobs'?"),
        (["hydra/launcher=joblib", "hydra.launcher.n_jobs=x"], "n_jobs", "could not be converted to Integer"),
        (["hydra/launcher=submitit", "hydra.launcher.partion=x"], "partion", "did you mean 'partition'?"),
        (["hydra/launcher=submitit_local", "hydra.launcher.qos=x"], "qos", "unknown key"),
        (["hydra.launcher.n_jobs=3"], "n_jobs", "this launcher has none"),
    ],
)
def test_mistakes(words, key, part, work):
    ((where, message),) = found(*words)
    assert where == f"hydra.launcher.{key}"
    assert part in message


def test_a_launcher_that_is_not_installed(work, monkeypatch):
    monkeypatch.setattr(launchers, "_is_installed", lambda module: "ray" not in module)
    ((_, message),) = found("hydra/launcher=ray")
    assert message == "this launcher is not installed: pip install 'railyard[ray]'"


def test_what_is_installed():
    assert launchers._is_installed("hydra_plugins.hydra_joblib_launcher.config")
    assert not launchers._is_installed("hydra_plugins.nothing.config")
    assert not launchers._is_installed("nothing.at.all")


def test_only_known_launchers(work):
    ((where, message),) = found("hydra.launcher._target_=os.system")
    assert where == "hydra.launcher._target_"
    assert "os.system is no launcher" in message
    assert "JoblibLauncher" in message


TWO = ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2")


@pytest.mark.parametrize(
    ("words", "knobs", "part"),
    [
        (TWO, {"gpus": [0]}, "2 jobs at a time, but 1 slots for them: give hydra.launcher.n_jobs=1"),
        ((*TWO, "hydra.launcher.n_jobs=-1"), {"gpus": [0, 1]}, "-1 jobs at a time, but 2 slots"),
        (TWO, {"gpus": "auto"}, "there is no CUDA device"),
        ((), {"gpus": [0]}, "one job at a time needs no slots"),
    ],
)
def test_slots_that_cannot_be(words, knobs, part, work, monkeypatch):
    monkeypatch.setattr(launchers, "visible_gpus", list)
    shared, (fault,) = launchers.slots(node(*words), Grid(**knobs), work)
    assert shared is None
    assert part in fault.message


@pytest.mark.parametrize(
    ("knobs", "size"), [({"gpus": [0], "jobs_per_gpu": 2}, 2), ({"gpus": ["GPU-1a", 1]}, 2), ({"gpus": "auto"}, 3)]
)
def test_slots(knobs, size, work, monkeypatch):
    monkeypatch.setattr(launchers, "visible_gpus", lambda: ["0", "1", "2"])
    shared, faults = launchers.slots(node(*TWO), Grid(**knobs), work)
    assert faults == []
    assert len(shared) == size


def test_without_gpus_there_are_no_slots(work):
    assert launchers.slots(node(*TWO), Grid(), work) == (None, [])


@pytest.mark.slow
@pytest.mark.parametrize("name", ["joblib", "submitit_local"])
def test_jobs_run_in_other_processes_on_devices_of_their_own(name, sweep_of, only_sweep, monkeypatch):
    def run(job):
        if job.root.depth == 2:
            raise ValueError("mine")
        return {"device": int(os.environ["CUDA_VISIBLE_DEVICES"]), "pid": os.getpid()}

    path = [str(Path(small_verb.__file__).parent), *os.environ.get("PYTHONPATH", "").split(os.pathsep)]
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join(path))
    words = (f"hydra/launcher={name}", "hydra.sweeper.gpus=[5]", "hydra.sweeper.jobs_per_gpu=2")
    code, out, err = sweep_of(app(run), "-m", "depth=0,1,2", "json=true", *words)
    assert code == 1, err
    told = json.loads(out)
    assert (told["complete"], told["failed"]) == (2, 1)
    ends = [json.loads((only_sweep() / str(n) / "outcome.json").read_text()) for n in range(3)]
    assert [end["metrics"].get("device") for end in ends] == [5, 5, None]
    assert ends[0]["metrics"]["pid"] != os.getpid()
    assert ends[2]["error"] == "ValueError: mine"
