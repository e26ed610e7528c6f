import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.codec.bits import MARGIN, padded, peek, put


@given(st.lists(st.integers(0, 56).flatmap(lambda n: st.tuples(st.integers(0, 2**n - 1), st.just(n))), max_size=40))
def test_numbers_come_back_in_order(numbers):
    out, at = np.zeros(7 * len(numbers) + MARGIN, np.uint8), 0
    for value, count in numbers:
        at = put(out, at, value, count)
    assert at == sum(count for _, count in numbers)
    at = 0
    for value, count in numbers:
        assert int(peek(out, at)) & (2**count - 1) == value
        at += count


def test_the_lowest_bit_of_a_byte_comes_first():
    out = np.zeros(16, np.uint8)
    put(out, put(out, 0, 1, 1), 0b101, 3)
    assert out[:2].tolist() == [0b1011, 0]


def test_padded_data_can_be_peeked_at_up_to_their_end():
    data = padded(b"\xff\xff")
    assert [int(peek(data, at)) for at in (0, 9, 15, 16, 17)] == [0xFFFF, 0x7F, 1, 0, 0]
