"""`railyard evaluate` on a model folder, on a run and on a checkpoint inside one."""

import json
from pathlib import Path

import pytest
import stage2_runs
from stage2_scenes import small_scenes
from tiny_detector import SHAPE, tiny_detector

from railyard.core.errors import UserError
from railyard.core.training.subject import Subject
from railyard.stage2.evaluation import average_precision
from railyard.stage2.model import folders
from railyard.stage2.training import subject
from railyard.stage2.training.config import DetectorEvaluation, SceneData


class Knobs(DetectorEvaluation):
    """The keys of the verb, by themselves."""


@pytest.fixture(scope="module")
def init(tmp_path_factory):
    folder = tmp_path_factory.mktemp("model") / "init"
    folders.write(folder, tiny_detector(weights=SHAPE))
    return folder


def test_a_model_folder_is_judged_on_scenes(tmp_path, init):
    data = SceneData(scenes=small_scenes(tmp_path / "data", n=5), validation_fraction=0.6)
    result = Knobs(limit_images=2, overlays=1, device="cpu").evaluate(Subject(data, {}, init=init), tmp_path / "out")
    assert result["eval_rollout_images"] == 2
    assert {"eval/AP", "eval/AP_loc"} <= result.keys()
    made = {path.name for path in (tmp_path / "out").iterdir()}
    assert made == {"evaluation.json", "evaluation.md", "predictions.jsonl", "overlays", "worst.html"}
    lines = [json.loads(line) for line in (tmp_path / "out" / "predictions.jsonl").read_text().splitlines()]
    assert len(lines) == 2
    assert Path(result["report"]).is_file()


def test_what_cannot_be_judged_is_a_sentence(tmp_path, init, monkeypatch):
    with pytest.raises(UserError, match="knows scenes only"):
        Knobs().evaluate(Subject(object(), {}, init=init), tmp_path / "out")
    monkeypatch.setattr(average_precision, "available", lambda: False)
    with pytest.raises(UserError, match=r"pip install 'railyard\[coco\]'"):
        Knobs().evaluate(Subject(object(), {}, init=init), tmp_path / "out")


def test_answers_are_decoded_as_the_run_was_told():
    config = {
        "stage2_ab": {"schedule": {"b_ratio": 0.0}, "channel_b": {"semantic_desc_gate": {"enabled": False}}},
        "custom": {
            "trainer_variant": "stage2_ab_training",
            "extra": {"rollout_matching": {"max_new_tokens": 77}},
        },
    }
    assert subject.decoding(config).max_new_tokens == 77
    assert subject.decoding({}).max_new_tokens == 512


@pytest.mark.slow
def test_a_run_and_its_checkpoint_are_judged_alike(railyard, tmp_path):
    stage2_runs.scenes_with_rollouts(tmp_path / "data")
    words = [
        *("data=stage2_scenes", "data.scenes=data", "data.batch_size=2", "model=stage2_detector", "objective=null"),
        *("trainer=cpu", "trainer.max_steps=2", "trainer.limit_val_batches=0"),
        "custom.trainer_variant=stage2_ab_training",
        *("stage2_ab.schedule.b_ratio=0.5", "stage2_ab.channel_b.semantic_desc_gate.enabled=false"),
        *("custom.extra.rollout_matching.max_new_tokens=20", "model.network.weights.hidden=32"),
        *("model.network.weights.layers=1", "model.network.weights.heads=2", "json=true"),
    ]
    done = railyard("train", *words)
    assert done.code == 0, done.err
    run = done.json["run"]
    judged = railyard("evaluate", f"run={run}", "limit_images=1", "json=true")
    assert judged.code == 0, judged.err
    (checkpoint, *_) = sorted(Path(run, "checkpoints").glob("step-*.ckpt"))
    again = railyard("evaluate", f"ckpt_path={checkpoint}", "limit_images=1", "json=true")
    assert again.code == 0, again.err
    places = dict.fromkeys(("report", "worst", "model"))
    assert {**again.json, **places} == {**judged.json, **places}
