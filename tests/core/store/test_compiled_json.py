import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.store.compiled_json import FAIL, find_word, is_null, read_integer, read_number, text_end, words


def data(text):
    return np.frombuffer(text.encode() + b"\n", np.uint8)


@given(st.one_of(st.integers(-(2**53), 2**53), st.floats(-1e9, 1e9).map(lambda x: float(f"{x:.9g}"))))
def test_a_number_is_read_as_any_parser_does(value):
    text = json.dumps(value)
    found, end = read_number(data(text), 0)
    assert end == FAIL or (end, found) == (len(text), json.loads(text))
    assert end != FAIL or 0 < abs(value) < 1e-9


@pytest.mark.parametrize("text", ["", "-", "01", "1.", "1e", ".5", "NaN", "Infinity", "12345678901234567890", "1e400"])
def test_what_is_no_plain_number_is_left_to_a_parser(text):
    assert read_number(data(text), 0)[1] == FAIL


def test_whole_numbers_have_no_sign_and_no_leading_zero():
    assert read_integer(data("120,"), 0) == (120, 3)
    assert read_integer(data("0]"), 0) == (0, 1)
    assert [read_integer(data(text), 0)[1] for text in ("-1", "012", "x")] == [FAIL] * 3


def test_texts_end_at_their_quote_and_plain_ones_alone_are_read():
    assert text_end(data('"ab"'), 0) == 3
    assert [text_end(data(text), 0) for text in ('"a\\"b"', '"ä"', "ab", '"ab')] == [FAIL] * 4


def test_words_are_found_from_the_guess_on_and_long_ones_never():
    known = words(["ab", "abc", "x" * 40], 4)
    find = [find_word(data(text), 0, len(text), *known, guess) for text, guess in (("ab", 0), ("abc", 0), ("ab", 3))]
    assert find == [0, 1, 0]
    assert find_word(data("x" * 40), 0, 40, *known, 0) == find_word(data("b"), 0, 1, *known, 0) == FAIL


def test_null_is_null():
    assert is_null(data("null"), 0)
    assert not is_null(data("nul"), 0)
