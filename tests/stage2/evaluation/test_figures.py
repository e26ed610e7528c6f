import pytest
from judged_images import CUP, DOG, judged

from railyard.stage2.evaluation.figures import f1, rollout_figures
from railyard.stage2.scenes.records import SceneObject

LOW = SceneObject("red cup", (1, 2, 300, 190))


def test_figures_of_all_images_together():
    images = [
        judged(1, [CUP, DOG], [LOW, DOG]),
        judged(2, [CUP], [CUP, CUP, DOG]),
        judged(3, [], "{}"),
        judged(4, [DOG], '{"object_1": {"desc": "dog"}, "object_2": {"desc": "blue d'),
    ]
    found = rollout_figures(images, 0.3)
    assert found["eval_rollout_images"] == 4
    assert found["eval_rollout_precision"] == found["eval_rollout_precision_30"] == 3 / 5
    assert found["eval_rollout_recall_30"] == 3 / 4
    assert found["eval_rollout_precision_50"] == 2 / 5
    assert found["eval_rollout_recall_50"] == 2 / 4
    assert found["eval_rollout_f1_50"] == pytest.approx(2 * 2 / 9)
    assert found["eval_rollout_matched_iou_mean_50"] == pytest.approx(1)
    assert (found["eval_rollout_drop_missing_geom"], found["eval_rollout_drop_truncated"]) == (1, 1)
    assert found["eval_rollout_N_drop_invalid"] == 2
    assert found["eval_rollout_parse_truncated_rate"] == 1 / 4
    assert found["eval_rollout_near_duplicate_rate"] == 1 / 5
    assert (found["eval_rollout_max_same_desc_most"], found["eval_rollout_repeated_most"]) == (2, 1)
    assert found["eval_rollout_pred_per_gt_most"] == 3
    assert all(isinstance(value, float) for value in found.values())


def test_nothing_gives_zeros():
    found = rollout_figures([], 0.3)
    assert set(found.values()) == {0.0}
    silent = rollout_figures([judged(1, [CUP], "{}")], 0.3)
    assert (silent["eval_rollout_precision"], silent["eval_rollout_recall_50"]) == (0, 0)


def test_an_image_by_itself():
    assert f1(judged(1, [], "{}")) == 1
    assert f1(judged(1, [CUP], "{}")) == 0
    assert f1(judged(1, [CUP, DOG], [CUP])) == pytest.approx(2 / 3)
