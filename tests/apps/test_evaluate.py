"""`railyard evaluate`: what it looks at, without a model."""

from pathlib import Path

import pytest

from railyard.apps.evaluate import Evaluate
from railyard.core.runs.folder import write_config


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give exactly one of run=, ckpt_path= and bundle=, got none"),
        (["run=a", "bundle=b"], "got run, bundle"),
        (["run=a", "split=valid"], "did you mean 'validation'?"),
        (["run=a", "batch_size=0"], "batch_size: must be greater than or equal to 1, got 0"),
        (["run=nowhere"], "nowhere is not a run folder"),
        (["bundle=b"], "add data= with one of"),
        (["run=run"], "holds neither init/ nor a checkpoint"),
        (["run=a", "data=board_pack"], "data.pack: a value is required here"),
    ],
)
def test_mistakes(railyard, work, words, reason):
    (work / "run").mkdir()
    write_config(work / "run", {"data": {}})
    done = railyard("evaluate", *words)
    assert (done.code, done.out) == (2, "")
    assert reason in done.err
    assert not (work / "outputs").exists(), "what is refused leaves no run folder"


def test_people_see_the_whole_and_json_the_groups():

    assert Evaluate(run=Path()).summary({"rows": 3, "metrics": {"loss": 1.0}, "by_valuation": {"search": {}}}) == {
        "rows": 3,
        "metrics": {"loss": 1.0},
    }


def test_evaluations_lie_under_the_experiment_of_the_run(work):

    record = work / "run" / ".hydra" / "hydra.yaml"
    record.parent.mkdir(parents=True)
    record.write_text("hydra: {runtime: {choices: {experiment: board/mine}}}")
    assert Evaluate.label({"run": str(work / "run"), "ckpt_path": None}) == "board/mine"
    assert Evaluate.label({"run": None, "ckpt_path": str(work / "run/checkpoints/last.ckpt")}) == "board/mine"
    assert Evaluate.label({"run": None, "ckpt_path": None}) == "bundle"
    assert Evaluate.label({"run": "elsewhere", "ckpt_path": None}) == "none"
