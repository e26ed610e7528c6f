from itertools import combinations, permutations

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage2_fixtures import fixture

from railyard.stage2.matching.assignment import match
from railyard.stage2.scenes.boxes import iou


@pytest.mark.parametrize("case", fixture("09")["cases"], ids=lambda case: case["name"])
def test_matchings_are_those_of_the_cases(case):
    found = match(
        case["preds"], case["gts"], case["top_k"], case["gate"], fp_cost=case["fp_cost"], fn_cost=case["fn_cost"]
    )
    assert [list(pair) for pair in found.pairs] == case["matched_pairs"]
    assert [found.missed, found.false] == [tuple(case["fn_gt"]), tuple(case["fp_pred"])]
    assert found.gated == case["gating_rejections"]
    exact = [case["bbox_iou"][p][g] for p, g in found.pairs]
    assert found.ious == pytest.approx(exact, abs=1e-6)


corner = st.integers(0, 6)
boxes = st.lists(
    st.tuples(corner, corner, corner, corner).map(
        lambda c: (min(c[0], c[2]), min(c[1], c[3]), max(c[0], c[2]), max(c[1], c[3]))
    ),
    max_size=4,
)
costs = st.sampled_from([0.0, 0.2, 0.55, 1.0, 3.0])


def cheapest(cost_PG, allowed_PG, fp_cost, fn_cost):
    """The least cost over all assignments, each written out."""
    predictions, objects = cost_PG.shape
    best = np.inf
    for size in range(min(predictions, objects) + 1):
        for rows in combinations(range(predictions), size):
            for columns in permutations(range(objects), size):
                if allowed_PG[rows, columns].all():
                    alone = (predictions - size) * fp_cost + (objects - size) * fn_cost
                    best = min(best, cost_PG[rows, columns].sum() + alone)
    return best


@settings(max_examples=150)
@given(boxes, boxes, st.integers(1, 4), st.sampled_from([0.0, 0.3, 0.6, 1.0]), costs, costs, st.integers(0, 9))
def test_no_assignment_is_cheaper(predicted, true, top_k, gate, fp_cost, fn_cost, seed):
    iou_PG = iou(predicted, true)
    extra_PG = np.random.default_rng(seed).random(iou_PG.shape) * (seed > 4)
    found = match(predicted, true, top_k, gate, fp_cost, fn_cost, extra_PG)
    rank_PG = [
        [sorted(range(len(row)), key=lambda g: (-row[g], g)).index(g) for g in range(len(row))] for row in iou_PG
    ]
    near_PG = np.array(rank_PG).reshape(iou_PG.shape) < top_k
    allowed_PG = near_PG & (iou_PG >= gate)
    cost_PG = 1 - iou_PG + extra_PG
    alone = len(found.false) * fp_cost + len(found.missed) * fn_cost
    total = sum(cost_PG[pair] for pair in found.pairs) + alone
    assert total == pytest.approx(cheapest(cost_PG, allowed_PG, fp_cost, fn_cost))
    assert all(allowed_PG[pair] for pair in found.pairs)
    assert found.gated == (near_PG & ~allowed_PG).sum()
    assert sorted([*found.false, *(p for p, _ in found.pairs)]) == list(range(len(predicted)))
    assert sorted([*found.missed, *(g for _, g in found.pairs)]) == list(range(len(true)))
    assert found.ious == tuple(iou_PG[pair] for pair in found.pairs)
    assert found == match(predicted, true, top_k, gate, fp_cost, fn_cost, extra_PG)


@pytest.mark.parametrize("objects", [17, 20, 100])
def test_of_equal_ious_the_first_are_candidates_however_many_there_are(objects):
    """A sort that is not stable keeps the order of 16 equal values, and loses it above."""
    levels = [(0, 0, 10, 10), (0, 0, 10, 9), (0, 0, 10, 8)]
    true = [levels[2 - g % 3] for g in range(objects)]
    latest_first_PG = -0.001 * np.arange(objects, dtype=float)[None]
    for top_k in (1, 2, 3, 4, 5):
        assert match([levels[0]], true, top_k, extra_PG=latest_first_PG).pairs == ((0, 3 * top_k - 1),)


@pytest.mark.parametrize("alone", [1e3, 1e7, 1e300])
def test_a_forbidden_pair_is_never_the_way_out(alone):
    predicted, true = [(0, 0, 9, 9), (0, 0, 8, 9)], [(50, 50, 60, 60), (0, 0, 9, 9)]
    found = match(predicted, true, fp_cost=alone, fn_cost=alone)
    assert (len(found.pairs), found.missed, len(found.false)) == (1, (0,), 1)
    assert match(predicted[:1], true[:1], fp_cost=alone, fn_cost=alone).pairs == ()
    pruned = match(predicted, [true[1], (0, 0, 7, 9)], top_k=1, fp_cost=alone, fn_cost=alone)
    assert (len(pruned.pairs), pruned.missed) == (1, (1,))


def test_an_extra_cost_decides_between_equal_boxes():
    same = [(0, 0, 9, 9)] * 2
    assert match(same, same, extra_PG=np.diag([0.5, 0.5])).pairs == ((0, 1), (1, 0))
    assert match(same, same, extra_PG=0.5 - np.diag([0.5, 0.5])).pairs == ((0, 0), (1, 1))
