import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.bits import padded
from railyard.tlg8.codec.golomb_rows import TOO_SHORT
from railyard.tlg8.codec.side_information import (
    BAD_FIELD,
    BAD_MODE,
    CLASSES,
    RAW,
    RUNS,
    SAME,
    WIDTHS,
    cheapest_mode,
    put_fields,
    put_sequence,
    read_fields,
)


def sequences(classes):
    """Numbers of blocks in stretches of equal ones."""
    pieces = st.tuples(st.integers(0, classes - 1), st.integers(1, 12) | st.just(300))
    return st.lists(pieces, min_size=1, max_size=12).map(lambda drawn: [n for n, times in drawn for _ in range(times)])


@given(sequences(96), st.sampled_from([2, 4, 7]))
def test_the_cheapest_mode_is_the_one_that_writes_least(numbers, width):
    values = (np.array(numbers) % (1 << width)).astype(np.uint8)
    lengths = [put_sequence(values, width, mode, np.zeros(4 * len(values) + 64, np.uint8), 0) for mode in range(3)]
    assert cheapest_mode(values, width) == lengths.index(min(lengths))


@given(st.tuples(*(sequences(int(classes)) for classes in CLASSES)))
def test_fields_come_back(drawn):
    count = min(map(len, drawn))
    fields = np.array([numbers[:count] for numbers in drawn], np.uint8)
    out = np.zeros(8 * count + 64, np.uint8)
    end = put_fields(fields, out, 0)
    back = np.zeros_like(fields)
    assert read_fields(out, end, back) == end
    np.testing.assert_array_equal(back, fields)
    assert read_fields(out, end - 8, back) == TOO_SHORT


def test_modes_by_hand():
    assert WIDTHS.tolist() == [4, 7, 4, 2, 2]
    assert cheapest_mode(np.array([5], np.uint8), 4) == RAW
    assert cheapest_mode(np.array([5, 5, 5, 6], np.uint8), 4) == SAME
    assert cheapest_mode(np.array([5] * 40, np.uint8), 4) == RUNS
    out = np.zeros(16, np.uint8)
    assert put_sequence(np.array([5, 5, 6], np.uint8), 4, SAME, out, 0) == 4 + 1 + 5
    assert out[:2].tolist() == [0b0_1_0101 | 0b10 << 6, 0b01]
    out = np.zeros(16, np.uint8)
    assert put_sequence(np.full(200, 1, np.uint8), 4, RUNS, out, 0) == 4 + 16
    assert int.from_bytes(out[:3].tobytes(), "little") == 1 | (0x80 | 199 & 127) << 4 | 1 << 12


@pytest.mark.parametrize(
    ("number", "fault"),
    [
        (0b11, BAD_MODE),
        (9 << 10, BAD_FIELD),  # a predictor beyond the last
        (RUNS | 1 << 10 | 2 << 14, BAD_FIELD),  # three blocks where there are two
        (RUNS | 1 << 10 | 0xFFFFFFFF << 14, BAD_FIELD),  # a length without an end
    ],
)
def test_what_no_writer_writes_is_refused(number, fault):
    data = number.to_bytes(32, "little")
    assert read_fields(padded(data), 256, np.zeros((5, 2), np.uint8)) == fault
