"""All combinations, in batches, and the same ones when a sweep goes on."""

import json

import pytest
from pydantic import ValidationError

from railyard.core.errors import UserError
from railyard.core.sweeping.grid import Grid
from railyard.core.sweeping.trial import Trial

SPACE = ("a=1,2", "b=x,y,z")


def test_all_combinations_the_last_key_fastest():
    jobs = [("a=1", "b=x"), ("a=1", "b=y"), ("a=1", "b=z"), ("a=2", "b=x"), ("a=2", "b=y"), ("a=2", "b=z")]
    assert Grid().preview(SPACE) == jobs
    assert Grid().describe(SPACE) == "grid of a (2) x b (3)"


def asked(search):
    batches = []
    while batch := search.ask():
        batches.append(batch)
    return batches


def test_batches(tmp_path):
    batches = asked(Grid(max_batch_size=4).build(SPACE, tmp_path, ()))
    assert [len(batch) for batch in batches] == [4, 2]
    assert batches[1][0] == Trial(4, ("a=2", "b=y"))
    assert [len(batch) for batch in asked(Grid().build(SPACE, tmp_path, ()))] == [6]


def test_a_grid_that_goes_on_keeps_its_jobs(tmp_path):
    first = asked(Grid().build(SPACE, tmp_path, ()))
    assert json.loads((tmp_path / "grid.json").read_text())["schema_version"] == 1
    assert asked(Grid().build(("a=1,2,3",), tmp_path, ())) == first


def test_params_come_first_and_the_command_line_replaces_them():
    grid = Grid(params={"a": "1,2", "b": [1, 2], "+c": True, "d": None})
    assert grid.space(["a=5,6", "e=1,2"]) == ("b=[1, 2]", "+c=true", "d=null", "a=5,6", "e=1,2")


@pytest.mark.parametrize("knob", [{"gpus": "all"}, {"jobs_per_gpu": 0}, {"max_batch_size": 0}, {"typo": 1}])
def test_knobs_are_checked(knob):
    with pytest.raises(ValidationError):
        Grid(**knob)


@pytest.mark.parametrize("gpus", [None, "auto", [0, 1], ["GPU-1a", 3]])
def test_devices(gpus):
    assert Grid(gpus=gpus).gpus == gpus


@pytest.mark.parametrize("space", [["lr=1e-3,0.001"], ["seed=1,2", "seed=3,4"], ["a=x,y,x"]])
def test_equal_jobs_are_refused(space):
    with pytest.raises(UserError, match="same job, or a key is given twice"):
        Grid().preview(space)
