import pytest
import stage2_runs
import torch
from stage2_runs import Setup

from railyard.core.runs import metrics
from railyard.core.training.checkpoint import CheckpointFolder, load
from railyard.stage2.evaluation import average_precision

VALIDATED = {"limit_val_batches": 1.0, "val_check_interval": 2, "max_steps": 2}
BEST = {"monitor": "eval_rollout_f1", "mode": "max"}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return stage2_runs.scenes_with_rollouts(tmp_path_factory.mktemp("scenes"))


def weights_of(run):
    newest = CheckpointFolder(run / "checkpoints").newest_good()
    return load(newest)["state_dict"]


def test_a_validation_judges_held_out_rollouts_and_changes_no_weight(tmp_path, scenes):
    setup = Setup(scenes, data={"validation_limit": 2, "validation_fraction": 0.4}, trainer=VALIDATED, saver=BEST)
    stage2_runs.train(tmp_path / "with", setup)
    rows = metrics.last_values(metrics.read(tmp_path / "with"))
    assert rows["eval_rollout_images"] == 2
    assert 0 < rows["eval_rollout_recall_30"] <= 1
    assert {"eval/AP", "eval/AP50", "eval/AP75", "eval/AR100", "eval/AP_loc", "eval/AR100_loc"} <= rows.keys()
    stage2_runs.train(tmp_path / "without", Setup(scenes, data=setup.data, trainer={"max_steps": 2}))
    left, right = weights_of(tmp_path / "with"), weights_of(tmp_path / "without")
    assert all(torch.equal(value, right[name]) for name, value in left.items())


def test_without_the_extra_the_log_says_what_is_missing(tmp_path, scenes, monkeypatch, caplog):
    monkeypatch.setattr(average_precision, "available", lambda: False)
    stage2_runs.train(tmp_path / "run", Setup(scenes, data={"validation_limit": 1}, trainer=VALIDATED, saver=BEST))
    rows = metrics.last_values(metrics.read(tmp_path / "run"))
    assert not any(name.startswith("eval/") for name in rows)
    assert "no eval/AP in this run: average precision needs faster-coco-eval" in caplog.text
