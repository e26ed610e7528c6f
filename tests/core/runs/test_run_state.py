"""state.json tells running, finished, stopped, diverged and failed apart."""

import json

import pytest

from railyard.core.errors import Diverged, UserError
from railyard.core.runs import run_state
from railyard.core.runs.signals import Stopped


def test_running_then_finished_with_its_figures(tmp_path):
    with run_state.recorded(tmp_path) as result:
        assert run_state.read(tmp_path)["state"] == "running"
        result.update(steps=3, run="text", metrics={"val/loss": 0.5})
    facts = run_state.read(tmp_path)
    assert (facts["state"], facts["message"]) == ("finished", "")
    assert facts["metrics"] == {"steps": 3, "val/loss": 0.5}


@pytest.mark.parametrize(
    ("end", "state", "message"),
    [
        (UserError("no such pack"), "failed", "no such pack"),
        (Diverged("val/loss is nan"), "diverged", "val/loss is nan"),
        (ZeroDivisionError("division by zero"), "failed", "ZeroDivisionError: division by zero"),
        (Stopped("SIGTERM after step 3"), "stopped", "SIGTERM after step 3"),
        (KeyboardInterrupt(), "stopped", ""),
    ],
    ids=lambda value: type(value).__name__,
)
def test_other_ends_are_told_and_passed_on(tmp_path, end, state, message):
    with pytest.raises(type(end)), run_state.recorded(tmp_path):
        raise end
    facts = run_state.read(tmp_path)
    assert (facts["state"], facts["message"]) == (state, message)


def test_without_a_folder_nothing_is_written(work):
    with run_state.recorded(None) as result:
        result["x"] = 1
    assert list(work.iterdir()) == []


@pytest.mark.parametrize("content", [None, "{", "[]", '{"schema_version": 99, "state": "finished"}'])
def test_what_cannot_be_read_is_unknown(tmp_path, content):
    if content is not None:
        (tmp_path / "state.json").write_text(content)
    assert run_state.read(tmp_path)["state"] == "unknown"


def test_the_file_names_its_schema(tmp_path):
    with run_state.recorded(tmp_path):
        pass
    assert json.loads((tmp_path / "state.json").read_text())["schema_version"] == 1


def test_a_result_names_the_figure_that_stands_for_it(tmp_path):
    with run_state.recorded(tmp_path) as result:
        result.update(mean_score=3.5, metric="mean_score", mode="max")
    facts = run_state.read(tmp_path)
    assert (facts["metrics"], facts["metric"], facts["mode"]) == ({"mean_score": 3.5}, "mean_score", "max")
