"""Nothing that Hydra or logging would build or import unasked passes."""

import pytest

from railyard.core.config.compose import Composition
from railyard.core.config.hydra_node import faults
from railyard.core.sweeping.config import chosen_sweeper

HOSTILE = [
    "+hydra.callbacks.x._target_=os.system",
    "+hydra.callbacks={a: {_target_: os.system}}",
    "hydra.launcher._target_=os.system",
    "hydra.launcher._target_=hydra_plugins.evil.Launcher",
    "hydra.sweeper._target_=hydra._internal.core_plugins.basic_sweeper.BasicSweeperX",
    "+hydra.sweeper.sampler._target_=os.system",
    "hydra.launcher._target_='${oc.env:HOME}'",
    "+hydra.job_logging.handlers.x={class: logging.handlers.SocketHandler}",
    "+hydra.job_logging.handlers.x={class: '${oc.env:HOME}'}",
    "+hydra.job_logging.handlers.x={class: logging.StreamHandler, stream: 'ext://antigravity.x'}",
    "+hydra.job_logging.handlers.x={class: logging.StreamHandler, stream: '${oc.decode:\"ext://antigravity\"}'}",
    "+hydra.job_logging.handlers.x={class: logging.StreamHandler, stream: '${nowhere}'}",
    "+hydra.job.env_set={LD_PRELOAD: x.so}",
    "hydra.job.chdir=true",
]


def found(*words):
    hydra = Composition("train", words).config.hydra
    return [*faults(hydra), *chosen_sweeper(hydra)[1]]


@pytest.mark.parametrize("word", HOSTILE)
def test_hostile_nodes_are_faults(word, work):
    assert found("hydra.runtime.output_dir=x", word)


@pytest.mark.parametrize("part", ["handlers", "formatters", "filters"])
def test_factories_in_a_file_of_the_user_are_faults(part, work):
    file = work / "conf" / "hydra" / "job_logging" / "evil.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(f"version: 1\n{part}:\n  x:\n    (): os.system\n    command: id\n")
    hits = found("hydra.runtime.output_dir=x", "hydra/job_logging=evil")
    assert ("hydra", "job_logging", part, "x", "()") in {hit.key for hit in hits}


@pytest.mark.parametrize("word", ["hydra/launcher=joblib", "hydra/launcher=submitit", "hydra/launcher=ray"])
def test_launchers_pass(word, work):
    assert found("hydra.runtime.output_dir=x", word) == []


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("hydra.sweeper.max_batch=3", "did you mean 'max_batch_size'?"),
        ("hydra.sweeper.jobs_per_gpu=0", "greater than or equal to 1"),
        ("hydra.sweeper={_target_: railyard.core.training.experiment.Extras, params: null}", "unknown key"),
        ("hydra.sweeper.params={a: '${nowhere}'}", "nowhere"),
    ],
)
def test_the_sweepers_keys_are_checked_like_all_others(word, part, work):
    (fault,) = found("hydra.runtime.output_dir=x", word)
    assert fault.key[:2] == ("hydra", "sweeper")
    assert part in fault.message


def test_another_component_is_no_sweeper(work):
    words = ("hydra.runtime.output_dir=x", "hydra.sweeper._target_=railyard.core.training.experiment.Extras")
    (fault,) = found(*words, "~hydra.sweeper.params")
    assert "is no sweeper" in fault.message


@pytest.mark.parametrize("verb", ["train", "pack"])
def test_railyards_own_node_passes(verb, work):
    words = ["hydra.runtime.output_dir=x"] + (["source=a", "out=b"] if verb == "pack" else [])
    assert faults(Composition(verb, words).config.hydra) == []
