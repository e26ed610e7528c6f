from itertools import product

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.tlg8.codec.tuples import TUPLES
from railyard.tlg8.ranking.beam import LOGITS, STARTS, top_of_beams, top_of_candidates
from railyard.tlg8.ranking.heads import BEAMS, JOINT, STRICT, class_table, rank_of_classes, widened


def plain(logits_L, beams, k):
    """The definition: the best classes of each head, all their tuples, sorted by sum and id."""
    kept = []
    for head, beam in enumerate(beams):
        own = logits_L[STARTS[head] : STARTS[head + 1]]
        kept.append(sorted(range(len(own)), key=lambda c, own=own: (-own[c], c))[:beam])
    scored = []
    for classes in product(*kept):
        total = np.float32(0)
        for head, c in enumerate(classes):
            total = total + logits_L[STARTS[head] + c] if head else logits_L[c]
        scored.append((-total, int(rank_of_classes(np.array([classes]))[0])))
    return [rank for _, rank in sorted(scored)[:k]]


def some_logits(seed, count=5):
    return np.random.default_rng(seed).normal(size=(count, LOGITS)).astype(np.float32)


@given(st.integers(0, 2**32 - 1), st.booleans())
@settings(max_examples=25)
def test_beams_are_the_definition_also_where_logits_tie(seed, coarse):
    logits = some_logits(seed, 1)
    if coarse:
        logits = np.round(logits) * np.float32(-0.5)  # many ties, and zeros of both signs
    assert top_of_beams(logits, BEAMS, 32)[0].tolist() == plain(logits[0], BEAMS, 32)


def test_all_768_tuples_come_once_each():
    logits = some_logits(1, 1)
    found = top_of_beams(logits, BEAMS, 768)[0].tolist()
    assert found == plain(logits[0], BEAMS, 768)
    assert len({*found}) == 768


def test_equal_logits_give_the_lowest_ids():
    assert top_of_beams(np.zeros((1, LOGITS), np.float32), BEAMS, 4)[0].tolist() == [0, 1, 2, 3]
    everything = top_of_beams(np.zeros((1, LOGITS), np.float32), widened(TUPLES), TUPLES)[0]
    assert np.array_equal(everything, np.arange(TUPLES))


def test_a_larger_k_begins_with_the_smaller_one():
    logits = some_logits(2)
    assert np.array_equal(top_of_beams(logits, BEAMS, 32)[:, :3], top_of_beams(logits, BEAMS, 3))


def test_a_block_alone_is_ranked_as_in_a_batch():
    logits = some_logits(3, 40)
    together = top_of_beams(logits, BEAMS, 32)
    alone = np.concatenate([top_of_beams(logits[i : i + 1], BEAMS, 32) for i in range(40)])
    assert np.array_equal(together, alone)


def test_candidates_are_ordered_by_any_heads():
    rng = np.random.default_rng(4)
    logits = rng.normal(size=(3, 114)).astype(np.float32)
    candidates = np.stack([rng.permutation(TUPLES)[:700] for _ in range(3)]).astype(np.uint16)
    table = class_table(JOINT)
    found = top_of_candidates(logits, JOINT, candidates, 20)
    for block in range(3):
        totals = {}
        for rank in candidates[block].tolist():
            p, f, r, i = logits[block, table[rank]]
            totals[rank] = ((p + f) + r) + i
        assert found[block].tolist() == sorted(totals, key=lambda rank, t=totals: (-t[rank], rank))[:20]


def test_the_order_of_candidates_does_not_matter():
    logits = np.round(some_logits(5, 1))
    candidates = np.random.default_rng(5).permutation(TUPLES)[None, :900].astype(np.uint16)
    found = top_of_candidates(logits, STRICT, candidates, 50)
    assert np.array_equal(found, top_of_candidates(logits, STRICT, np.sort(candidates), 50))


def test_logits_that_are_no_numbers_are_refused():
    logits = some_logits(6)
    logits[2, 7] = np.nan
    with pytest.raises(UserError, match="block 2: the ranker's logits are not finite"):
        top_of_beams(logits, BEAMS, 32)


def test_too_few_tuples_are_refused():
    with pytest.raises(ValueError, match="768 tuples give no 769"):
        top_of_beams(some_logits(7), BEAMS, 769)
    with pytest.raises(ValueError, match="2 candidates give no 3"):
        top_of_candidates(some_logits(8, 1), STRICT, np.array([[0, 1]], np.uint16), 3)
