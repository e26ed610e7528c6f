import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.compiled import njit
from railyard.tlg8.codec.lanes import (
    any_of,
    blend,
    count_reached,
    floor_log2,
    high_product,
    load_groups,
    splat,
    store,
)

words = st.lists(st.integers(0, 32767), min_size=32, max_size=32).map(lambda drawn: np.array(drawn, np.int16))
THRESHOLDS = np.array([[1, 2, 3, 5, 8, 100, 1000, 30000], [0, 0, 0, 0, 0, 0, 0, 32767]], np.int16)


@njit()
def operations(array, other, out):
    """All that lanes can do, one row of `out` each; whether any lane of `array` is less."""
    a, b = load_groups(array, 0, 8, 16, 24), load_groups(other, 0, 8, 16, 24)
    results = (
        a + b,
        a - b,
        a * b,
        a & b,
        a >> (b & splat(15)),
        blend(a < b, a, b),
        blend(a >= b, a, b),
        blend((a == b) ^ (a < b), splat(1), splat(0)),
        high_product(a + a, b + b),
        floor_log2(a),
        count_reached(a, THRESHOLDS, np.int64(0)),
        count_reached(a, THRESHOLDS, np.int64(1)),
    )
    for row in range(len(results)):
        store(out, np.int64(32 * row), results[row])
    return any_of(a < b)


def expected(a, b):
    wide, other = a.astype(np.int64), b.astype(np.int64)
    doubles = (2 * wide & 0xFFFF) * (2 * other & 0xFFFF)
    return [
        wide + other,
        wide - other,
        wide * other,
        wide & other,
        wide >> (other & 15),
        np.minimum(wide, other),
        np.maximum(wide, other),
        wide <= other,
        doubles >> 16,
        np.array([int(value).bit_length() - 1 for value in wide]),
        (wide[:, None] >= THRESHOLDS[0]).sum(axis=1),
        (wide[:, None] >= THRESHOLDS[1]).sum(axis=1),
    ]


@given(words, words)
def test_operations_are_those_of_16_bit_words(a, b):
    out = np.zeros(32 * 12, np.int16)
    any_less = operations(a, b, out)
    np.testing.assert_array_equal(out.reshape(12, 32), np.stack(expected(a, b)).astype(np.uint16).view(np.int16))
    assert any_less == (a < b).any()


@njit()
def load(array, a, b, c, d, out):
    store(out, np.int64(0), load_groups(array, a, b, c, d))


def test_groups_lie_side_by_side():
    out = np.zeros(32, np.int16)
    load(np.arange(100, dtype=np.int16), 40, 3, 80, 40, out)
    assert out.tolist() == [*range(40, 48), *range(3, 11), *range(80, 88), *range(40, 48)]
