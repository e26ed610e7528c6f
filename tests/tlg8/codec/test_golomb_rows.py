import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.bits import MARGIN
from railyard.tlg8.codec.golomb import TABLE, K, plain_bits, run_length_bits
from railyard.tlg8.codec.golomb_rows import BAD_CODE, BAD_RUN, ROW_ENTROPIES, TOO_SHORT, put_row, read_row

WEIGHTS = TABLE[:, :2].astype(np.int64)
values = st.lists(st.sampled_from([0, 0, 0, 1, -1, 5, -637, 637]), max_size=200)


def written(sequence, row):
    """The bytes of a row, with a margin, and its length in bits."""
    array = np.array(sequence, np.int16)
    out = np.zeros(6 * len(array) + MARGIN, np.uint8)
    return out, put_row(array, bool(ROW_ENTROPIES[row]), WEIGHTS[row], K[row], out, 0)


def reread(data, end, row, count):
    out = np.empty(count, np.int32)
    return read_row(data, 0, end, bool(ROW_ENTROPIES[row]), WEIGHTS[row], K[row], out), out.tolist()


@given(values, st.integers(0, 7))
def test_rows_come_back_and_are_as_long_as_their_cost(sequence, row):
    data, bits = written(sequence, row)
    cost = run_length_bits if ROW_ENTROPIES[row] else plain_bits
    assert bits == (cost(np.array(sequence, np.int16), row) if sequence else 0)
    assert reread(data, bits, row, len(sequence)) == (bits, sequence)


@given(values.filter(bool), st.integers(0, 7))
def test_a_row_without_its_last_bit_is_too_short(sequence, row):
    data, bits = written(sequence, row)
    assert reread(data, bits - 1, row, len(sequence))[0] == TOO_SHORT


def test_codes_by_hand():
    # k is 0 at first: 2 is magnitude 4: four zeros and a one; then the mean has risen to k 4
    data, bits = written([2], 0)
    assert (data[0], bits) == (0b10000, 5)
    # escape: sixteen zeros, then gamma(1274 - 15 = 1259): ten zeros, a one, ten bits
    data, bits = written([637], 0)
    assert bits == 37
    assert int.from_bytes(data[:5].tobytes(), "little") == (1 | (1259 - 1024) << 1) << 26
    # begins with zeros, five of them: 1 1, gamma(3) = 0 1 1; then one value: run 0, value 1 is magnitude 1: 0 1
    data, bits = written([0, 0, 0, 0, 0, 1], 3)
    assert (bits, int(data[0]) | int(data[1]) << 8) == (9, 0b10_0_110_11_0)


def test_what_no_writer_writes_is_refused():
    zeros = np.zeros(64, np.uint8)
    assert reread(zeros, 400, 0, 1)[0] == BAD_CODE
    data, bits = written([0] * 9, 3)
    assert reread(data, bits, 3, 8)[0] == BAD_RUN
