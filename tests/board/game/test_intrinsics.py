import numpy as np
import pytest

from railyard.board.game.intrinsics import (
    bit_count,
    bits_value,
    load_value,
    load_word,
    lowest_bit,
    store_value,
    store_word,
    table_value,
    table_word,
    value_bits,
)
from railyard.core.compiled import njit


@njit()
def _touch(address):
    store_word(address, np.uint64(1), load_word(address, np.uint64(0)) + np.uint64(1))
    store_value(address, np.uint64(5), load_value(address, np.uint64(4)) * np.float32(2))


@njit()
def _read(address):
    return table_word(address, np.uint64(0)), table_value(address, np.uint64(1))


@njit()
def _counts(word):
    return lowest_bit(word), bit_count(word)


@njit()
def _there_and_back(value):
    return value_bits(value), bits_value(value_bits(value) | np.uint64(0xABC << 32))


def test_words_and_values_are_counted_in_their_own_size():
    memory = np.array([41, 0, 0], np.uint64)
    memory.view(np.float32)[4] = 1.5
    _touch(np.uint64(memory.ctypes.data))
    assert memory[1] == 42
    assert memory.view(np.float32)[5] == 3.0


def test_tables_are_read_alike():
    memory = np.array([7], np.uint64)
    memory.view(np.float32)[1] = -0.25
    assert _read(np.uint64(memory.ctypes.data)) == (memory[0], -0.25)


@pytest.mark.parametrize("word", [1, 6, 1 << 63, 2**64 - 1, 0x0101_0000])
def test_bits_are_counted(word):
    assert _counts(np.uint64(word)) == (len(bin(word)) - len(bin(word).rstrip("0")), word.bit_count())


@pytest.mark.parametrize("value", [0.0, -0.0, 1.0, -131072.0, 3.4e38, float("-inf")])
def test_a_value_survives_in_the_low_half_of_a_word(value):
    bits, again = _there_and_back(np.float32(value))
    assert bits == np.float32(value).view(np.uint32)
    assert np.float32(again).tobytes() == np.float32(value).tobytes()
