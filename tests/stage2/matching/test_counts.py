import math

import pytest
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.matching.assignment import match
from railyard.stage2.matching.counts import STRICT_DROP, Counts, counts
from railyard.stage2.rollout.parsing import BUCKETS, parse
from railyard.stage2.scenes.records import SceneObject

CAT = SceneObject("cat", (0, 0, 100, 100))
TRUE = [CAT, SceneObject("dog", (500, 500, 900, 900))]
# a hit with IoU 0.8, a repeat of it, a miss of the same description, a hit of another box, an entry without a box
BURST = [SceneObject("cat", (0, 0, 100, 80)), SceneObject("cat", (0, 0, 100, 79)), SceneObject("cat", (300, 0, 400, 9))]
WRITTEN = render([*BURST, SceneObject("dog", (500, 500, 900, 900))])[:-1] + ', "object_5": {"desc": "owl"}, "object_6'
KEYS = (
    *("precision", "recall", "f1", "fp", "fn", "match_rate", "gt_objects", "valid_pred_objects", "gating_rejections"),
    *("matched_iou_mean", "parse_truncated_rate", "near_duplicate_rate", "max_same_desc", "pred_per_gt"),
)


def of(text, true):
    vocabulary = toy_vocabulary(text)
    rollout = parse(vocabulary.encode(text), vocabulary)
    return counts(rollout, match([each.box for each in rollout.predictions], [each.box for each in true]))


def test_figures_of_a_burst():
    figures = of(WRITTEN, TRUE).figures()
    assert {key.removeprefix("rollout/"): value for key, value in figures.items() if key.startswith("rollout/")} == {
        **{"precision": 0.5, "recall": 1, "f1": pytest.approx(2 / 3), "fp": 2, "fn": 0, "match_rate": 1},
        **{"gt_objects": 2, "valid_pred_objects": 4, "gating_rejections": 5, "matched_iou_mean": pytest.approx(0.9)},
        **{"parse_truncated_rate": 1, "near_duplicate_rate": 0.25, "max_same_desc": 3, "pred_per_gt": 2},
    }
    assert figures[f"{STRICT_DROP}/N_valid_pred"] == 4
    assert figures[f"{STRICT_DROP}/N_drop_invalid"] == 1
    assert figures[f"{STRICT_DROP}/reason/missing_geom"] == 1


def test_rates_are_those_of_the_sums_and_the_tail_is_the_largest():
    images = [of(WRITTEN, TRUE), of("{}", TRUE), of(render([CAT]), [CAT])]
    whole = sum(images, Counts())
    assert whole == (images[2] + images[1]) + images[0]
    figures = whole.figures()
    assert (figures["rollout/precision"], figures["rollout/recall"]) == (3 / 5, 3 / 5)
    assert figures["rollout/fn"] == 2
    assert figures["rollout/parse_truncated_rate"] == pytest.approx(1 / 3)
    assert figures["rollout/near_duplicate_rate"] == 1 / 5
    assert figures["rollout/max_same_desc"] == 3
    assert figures["rollout/matched_iou_mean"] == pytest.approx((0.8 + 1 + 1) / 3)


def test_nothing_gives_every_key_and_no_nan():
    figures = Counts().figures()
    assert set(figures) == {
        *(f"rollout/{key}" for key in KEYS),
        *(f"{STRICT_DROP}/{key}" for key in ("N_valid_pred", "N_drop_invalid")),
        *(f"{STRICT_DROP}/reason/{bucket}" for bucket in BUCKETS),
    }
    assert not any(figures.values())
    assert all(math.isfinite(value) for value in figures.values())
