import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.golomb import TABLE, K, gamma_bits, k_table, plain_bits, run_length_bits

values = st.lists(st.integers(-3, 3) | st.integers(-637, 637), min_size=1, max_size=80)


def by_hand(sequence, row, runs):
    """The definition in Python's own numbers."""
    rise, fall, *counts = TABLE[row].tolist()
    ks = [k for k, count in enumerate(counts) for _ in range(count)]
    a, bits, kinds = 0, int(runs), []
    for value in sequence:
        zero = runs and value == 0
        kinds.append(zero)
        if zero:
            continue
        m = (2 * value if value >= 0 else 2 * -value - 1) - runs
        k = ks[min(a + 8 >> 4, 1023)]
        bits += (m >> k) + 1 + k if m >> k < 16 else 16 + 2 * ((m - 15).bit_length() - 1) + 1
        w = rise if a < m else fall
        a = 16 * m * w + a * (16 - w) + 8 >> 4
    starts = [place for place in range(len(kinds)) if place == 0 or kinds[place] != kinds[place - 1]]
    for start, end in zip(starts, [*starts[1:], len(kinds)], strict=True) if runs else ():
        n = end - start
        bits += n if n < 3 else 2 + 2 * ((n - 2).bit_length() - 1) + 1
    return bits


@given(values, st.integers(0, 7))
def test_costs_by_hand(sequence, row):
    array = np.array(sequence, np.int16)
    assert plain_bits(array, row) == by_hand(sequence, row, 0)
    assert run_length_bits(array, row) == by_hand(sequence, row, 1)


def test_a_calm_sequence_costs_a_bit_a_value_and_a_run_of_zeros_little():
    zeros = np.zeros(64, np.int16)
    assert plain_bits(zeros, 0) == 64
    assert run_length_bits(zeros, 3) == 1 + 2 + 11


def test_gamma():
    assert [gamma_bits(number) for number in (1, 2, 3, 4, 7, 8, 1259)] == [1, 3, 3, 5, 5, 7, 21]


def test_k_grows_with_the_mean():
    assert K.shape == (8, 1024)
    assert K[0, :9].tolist() == [0, 1, 1, 1, 2, 2, 2, 2, 3]
    assert (np.diff(k_table(TABLE).astype(int), axis=1) >= 0).all()
