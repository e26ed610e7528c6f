from itertools import pairwise

import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.packs.alignment import alignment_of

RUNS, STEPS = np.arange(100, dtype=np.uint32) // 7, np.arange(100, dtype=np.uint32) % 7


@given(st.lists(st.integers(0, 100), max_size=5))
def test_chunks_do_not_matter(cuts):
    edges = [0, *sorted(cuts), 100]
    chunks = [(RUNS[a:b], STEPS[a:b]) for a, b in pairwise(edges)]
    assert alignment_of(chunks) == alignment_of([(RUNS, STEPS)])


def test_order_runs_and_steps_matter():
    swapped = np.arange(100)
    swapped[[3, 4]] = [4, 3]
    found = {alignment_of([pair]) for pair in ((RUNS, STEPS), (RUNS[swapped], STEPS[swapped]), (STEPS, RUNS))}
    assert len(found) == 3
    assert {len(text) for text in found} == {16}


def test_ids_count_by_their_low_32_bits():
    assert alignment_of([(RUNS + np.uint64(2**32), STEPS)]) == alignment_of([(RUNS, STEPS)])
