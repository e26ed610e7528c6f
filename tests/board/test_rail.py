"""What the board gives the verbs that rails share."""

from pathlib import Path

import pytest

from railyard.apps.show import artifact_at
from railyard.board.rail import RAIL
from railyard.core import rail

FIXTURES = Path(__file__).parents[1] / "fixtures" / "board"


@pytest.mark.parametrize(
    ("files", "name"),
    [
        (["config.json"], "an init folder"),
        (["steps.npy"], "a pack"),
        (["metadata.db"], "a pack"),
        (["config.json", "steps.npy"], "an init folder"),
        (["config.json", "steps.npy", "config.yaml"], "a run"),
        (["config.yaml", "scenes.jsonl"], "scenes"),
        (["config.yaml", "labels.meta.json"], "a pack"),
    ],
)
def test_of_several_artifacts_that_share_names_the_most_particular_is_shown(tmp_path, files, name):
    for file in files:
        (tmp_path / file).touch()
    assert artifact_at(tmp_path).name == name


def test_a_model_of_transformers_is_none_of_the_boards(tmp_path):
    for name in ("config.json", "model.safetensors", "tokenizer.json"):
        (tmp_path / name).touch()
    init = next(kind for kind in RAIL.artifacts if kind.name == "an init folder")
    (onnx,) = RAIL.formats
    assert init.fits(tmp_path)
    assert onnx.fits(tmp_path)
    (tmp_path / "tokenizer_config.json").touch()
    assert not init.fits(tmp_path)
    assert not onnx.fits(tmp_path)


def test_an_experiment_is_the_boards_by_its_data_or_its_model():
    data = {"_target_": "railyard.board.training.config.PackData"}
    model = {"_target_": "railyard.board.training.config.BoardModel"}
    assert rail.of({"data": data, "model": {"_target_": "mine.Model"}}) is RAIL
    assert rail.of({"data": {"_target_": "mine.Data"}, "model": model}) is RAIL


def test_a_model_is_read_in_eval_mode():
    assert not RAIL.model(FIXTURES / "08_encoder_binned_gqa").training
