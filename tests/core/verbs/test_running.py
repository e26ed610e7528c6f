"""Failed jobs are kept and listed, dead processes found out, interrupted sweeps gone on with."""

import csv
import json
import logging
from types import SimpleNamespace
from typing import Any

import pytest
import small_verb
import yaml
from pydantic import Field
from small_verb import app

from railyard.core.errors import RailyardError, UserError
from railyard.core.runs.signals import Stopped
from railyard.core.sweeping import launchers
from railyard.core.training.callbacks.config import Saver


def table(folder):
    with (folder / "table.csv").open() as file:
        return list(csv.DictReader(file))


def outcome(folder, number):
    return json.loads((folder / str(number) / "outcome.json").read_text())


FAULTS = {
    1: (UserError("no pack there"), "no pack there"),
    2: (RailyardError("full disk"), "full disk"),
    3: (ZeroDivisionError("mine\nmore"), "ZeroDivisionError: mine"),
}


def test_failed_jobs_do_not_end_the_sweep(sweep_of, only_sweep):
    def run(job):
        if job.root.depth in FAULTS:
            raise FAULTS[job.root.depth][0]
        return {"value": 3}

    code, out, err = sweep_of(app(run), "-m", "depth=range(0,5)")
    assert code == 1
    told = yaml.safe_load(out)
    assert (told["complete"], told["failed"]) == (2, 3)
    lines = [f"  job {number} (depth={number}): {sentence}" for number, (_, sentence) in FAULTS.items()]
    assert err.splitlines()[-4:] == ["railyard doctor: 3 of 5 jobs failed", *lines]
    assert [outcome(only_sweep(), number)["error"] for number in FAULTS] == [each for _, each in FAULTS.values()]
    assert outcome(only_sweep(), 4)["metrics"] == {"value": 3}


def test_pruned_jobs_and_values_of_the_best_checkpoint(sweep_of, only_sweep):
    result = {"pruned": True, "metrics": {"loss": 2.0}, "best": {"metrics": {"loss": 1.0}}}
    code, out, _ = sweep_of(app(lambda job: result), "-m", "depth=0", "json=true")
    assert code == 0
    assert json.loads(out)["pruned"] == 1
    assert outcome(only_sweep(), 0)["best"] == {"loss": 1.0}


def interrupting(at, stop):
    """Stops at a depth the first time, and counts what ran."""
    ran = []

    def run(job):
        ran.append(job.root.depth)
        if ran == [*range(at + 1)]:
            raise stop
        return {"metrics": {"depth": float(job.root.depth)}}

    return app(run), ran


@pytest.mark.parametrize(
    "stop", [pytest.param(KeyboardInterrupt(), marks=pytest.mark.slow), Stopped("SIGTERM after step 3")]
)
def test_an_interrupted_sweep_says_how_to_go_on_and_does(sweep_of, only_sweep, work, stop):
    verb, ran = interrupting(1, stop)
    code, out, err = sweep_of(verb, "-m", "depth=range(0,4)")
    folder = only_sweep()
    assert (code, out) == (130, "")
    last = err.splitlines()[-1]
    assert (
        last == f"railyard doctor: stopped; 1 jobs ended; go on with: railyard doctor resume={folder.relative_to(work)}"
    )
    assert [row["state"] for row in table(folder)] == ["complete", *["unfinished"] * 3]
    code, out, _ = sweep_of(verb, f"resume={folder.relative_to(work)}")
    assert code == 0
    assert ran == [0, 1, 1, 2, 3]
    assert [row["depth"] for row in table(folder)] == ["0.0", "1.0", "2.0", "3.0"]
    assert len(json.loads((folder / "sweep.json").read_text())["calls"]) == 2
    assert sweep_of(verb, f"resume={folder}")[0] == 0
    assert ran == [0, 1, 1, 2, 3]


def breaking(at):
    """A launcher that dies whenever it comes to a job, as one of the system's out-of-memory killer does."""

    def launch(hydra, worker, folder, trials):
        for trial in trials:
            if trial.number == at:
                place = worker.folder.job(at)
                place.mkdir(exist_ok=True)
                worker.call.note_begun(place)
                raise RuntimeError("a worker was killed")
            worker(SimpleNamespace(trial=trial.number))

    return launch


def test_a_job_whose_process_dies_is_found_out_and_the_others_go_on(sweep_of, only_sweep, monkeypatch):
    monkeypatch.setattr(launchers, "launch", breaking(at=1))
    code, _, err = sweep_of(app(), "-m", "depth=range(0,4)")
    assert code == 1
    assert "a job's process died (a worker was killed); 1 jobs go on one by one" in err
    assert [row["state"] for row in table(only_sweep())] == ["complete", "failed", "complete", "complete"]
    assert outcome(only_sweep(), 1)["error"] == "a worker was killed"


def test_a_launcher_that_cannot_start_anything(sweep_of, only_sweep, monkeypatch):
    def launch(hydra, worker, folder, trials):
        raise RuntimeError("there is no srun")

    monkeypatch.setattr(launchers, "launch", launch)
    code, _, err = sweep_of(app(), "-m", "depth=0,1")
    assert code == 1
    assert err.splitlines()[-1] == "railyard doctor: the launcher could not start a job: there is no srun"


def test_a_failed_job_runs_again_only_when_asked(sweep_of, only_sweep):
    ran = []

    def run(job):
        ran.append(job.root.depth)
        if len(ran) == 1:
            raise RailyardError("full disk")
        return {}

    assert sweep_of(app(run), "-m", "depth=0,1")[0] == 1
    assert sweep_of(app(run), f"resume={only_sweep()}")[0] == 1
    assert ran == [0, 1]
    assert sweep_of(app(run), f"resume={only_sweep()}", "hydra.sweeper.retry_failed=true")[0] == 0
    assert ran == [0, 1, 0]


def test_a_launcher_that_cannot_start_fails_no_job_that_had_begun_before(sweep_of, only_sweep, monkeypatch):
    verb, _ = interrupting(0, KeyboardInterrupt())
    assert sweep_of(verb, "-m", "depth=0")[0] == 130

    def launch(hydra, worker, folder, trials):
        raise RuntimeError("there is no srun")

    with monkeypatch.context() as patched:
        patched.setattr(launchers, "launch", launch)
        assert "could not start a job" in sweep_of(verb, f"resume={only_sweep()}")[2]
    assert not (only_sweep() / "0" / "outcome.json").exists()
    assert sweep_of(verb, f"resume={only_sweep()}")[0] == 0


def test_jobs_and_what_follows_them_are_heard(sweep_of, only_sweep):
    """Hydra's launchers set logging up once more, and could silence every module that was imported before."""
    known = logging.getLogger("railyard.core.store.journal")
    sweep_of(app(lambda job: {}), "-m", "depth=0,1")
    assert not known.disabled


class Compared(small_verb.Root):
    optimized_metric: str = "depth"
    callbacks: Any = Field({"saver": Saver(monitor="depth", mode="max")})


def test_a_grids_best_is_that_of_the_checkpoints_direction(sweep_of, only_sweep):
    code, out, err = sweep_of(app(root=Compared), "-m", "depth=1,3,2")
    assert code == 0, err
    assert yaml.safe_load(out)["best"] == {"job": str(only_sweep() / "1"), "depth": 3.0}
    assert "the sweep will" not in err


def test_a_direction_that_is_given_counts_and_the_difference_is_said(sweep_of, only_sweep):
    code, out, err = sweep_of(app(root=Compared), "-m", "depth=1,3,2", "hydra.sweeper.direction=minimize")
    assert code == 0, err
    assert yaml.safe_load(out)["best"]["depth"] == 1.0
    assert (
        "the sweep will minimize depth (hydra.sweeper.direction), but each job keeps the checkpoint that would" in err
    )
    assert "To minimize depth" in (only_sweep() / "report.md").read_text()


def test_a_metric_that_no_job_logs_is_said_at_the_end_of_the_first(sweep_of, work):
    class Mistyped(small_verb.Root):
        optimized_metric: str = "dept"

    _, _, err = sweep_of(app(root=Mistyped), "-m", "depth=1,3")
    first = err.partition("job 1: depth=3")[0]
    assert "s: there is no metric 'dept' (optimized_metric); did you mean 'depth'?" in first


@pytest.mark.parametrize("typed", [True, False], ids=["typed", "in the verb"])
def test_a_metric_that_was_typed_and_no_job_logs_ends_the_sweep(sweep_of, only_sweep, typed):
    class Mistyped(small_verb.Root):
        optimized_metric: str = "dept"

    words = ("optimized_metric=dept",) if typed else ()
    code, _, err = sweep_of(app(root=Mistyped), "-m", "depth=1,3", "hydra.sweeper.max_batch_size=1", *words)
    states = [json.loads(path.read_text())["state"] for path in sorted(only_sweep().glob("*/outcome.json"))]
    assert (code, states) == ((1, ["failed"]) if typed else (0, ["complete", "complete"])), err
    if typed:
        assert "the sweep ended after job 0" in err
        assert "| 0 | failed |" in (only_sweep() / "table.md").read_text().replace("  ", " ")
