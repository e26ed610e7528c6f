import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.found import Found
from railyard.tlg8.codec.top_two import EMPTY, bound, key_of, offer

tuples = st.tuples(st.integers(1, 4), st.integers(0, 6), st.integers(0, 1))  # bits, rank, entropy


@given(st.lists(tuples, min_size=2, max_size=30).filter(lambda drawn: len({rank for _, rank, _ in drawn}) > 1))
def test_best_and_second_are_the_least_two_of_different_ranks_in_any_order(drawn):
    top = np.full(2, EMPTY)
    for bits, rank, entropy in drawn:
        offer(top, key_of(bits, rank, entropy))
    least = {}
    for candidate in sorted(drawn):
        least.setdefault(candidate[1], candidate)
    expected = sorted(least.values())[:2]
    found = Found.from_keys(top[None], np.zeros(1, int))
    says = [*zip(found.bits_N2[0].tolist(), found.ranks_N2[0].tolist(), found.entropies_N2[0].tolist(), strict=True)]
    assert says == expected


def test_the_bound_admits_equal_bits_of_a_lower_rank_only():
    top = np.array([key_of(5, 3, 0), key_of(7, 9, 0)])
    assert bound(top, 8) == 8
    assert bound(top, 9) == 7
    assert bound(np.full(2, EMPTY), 0) > 9472
