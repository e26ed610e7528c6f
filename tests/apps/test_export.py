"""`railyard export` finds the model of a run or a folder, and says what it cannot export."""

from pathlib import Path

import pytest

from railyard.board.model import onnx_export
from railyard.core.runs.folder import write_config

INIT = Path(__file__).parents[1] / "fixtures" / "board" / "08_encoder_binned_gqa"


@pytest.fixture
def run(work):
    (work / "run").mkdir()
    write_config(work / "run", {"model": {"_target_": "railyard.board.training.config.BoardModel"}})
    return work / "run"


@pytest.mark.slow
def test_a_run(railyard, run):
    (run / "init").symlink_to(INIT)
    done = railyard("export", "run=run", "format=onnx", "out=out", "json=true")
    assert done.code == 0, done.err
    assert Path(done.json["model"]).is_file()
    assert railyard("export", f"bundle={INIT}", "format=onnx", "out=out", "json=true").json["already_there"]


@pytest.mark.slow
def test_a_detector(railyard, work):
    from tiny_detector import tiny_detector

    from railyard.stage2.model.folders import write

    write(work / "init", tiny_detector())
    done = railyard("export", "bundle=init", "format=hf", "out=out", "json=true")
    assert done.code == 0, done.err
    assert done.json["largest_difference"] < 1e-5
    assert (work / "out" / "model.safetensors").is_file()
    refused = railyard("export", f"bundle={INIT}", "format=hf", "out=other")
    assert (refused.code, refused.out) == (2, "")
    assert "holds no model that format=hf is for" in refused.err


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["run=run"], "run holds no init/, the weights that a finished run leaves: go on with train resume=run"),
        (["run=nowhere"], "nowhere is not a run folder"),
        (["bundle=nowhere"], "nowhere holds no model that format=onnx is for"),
        (["bundle=bare"], "bare holds no weights: give the init folder of a trained model"),
        (["run=run", "bundle=bare"], "give exactly one of run= and bundle="),
        ([], "give exactly one of run= and bundle="),
        (["bundle=bare", "format=onxx"], "format: there is no format onxx; known: hf, onnx"),
    ],
)
def test_what_cannot_be_exported(railyard, run, work, words, sentence):
    (work / "bare").mkdir()
    (work / "bare" / "config.json").write_text((INIT / "config.json").read_text())
    done = railyard("export", "format=onnx", "out=out", *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
    assert not (work / "out").exists()


def test_a_place_that_is_occupied(railyard, work, monkeypatch):
    monkeypatch.setattr(onnx_export, "_traced", None)
    (work / "out").mkdir()
    (work / "out" / "mine").touch()
    done = railyard("export", f"bundle={INIT}", "format=onnx", "out=out")
    assert (done.code, done.out) == (2, "")
    assert "out exists and is not the ONNX file of this model: choose another out=, or delete it first" in done.err
