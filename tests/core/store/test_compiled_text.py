import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.store.compiled_text import Cells, floats, integers, lines, replaced, words

SINGLES = st.floats(width=32, allow_nan=False, allow_infinity=False)


def texts(cells: Cells):
    pairs = zip(cells.bytes_nW, cells.lengths_n, strict=True)
    return [row[:length].tobytes().decode() for row, length in pairs]


@given(st.lists(SINGLES, min_size=1, max_size=30))
def test_a_float_reads_back_and_no_shorter_number_would(values):
    values = np.array(values, np.float32)
    found = texts(floats(values, b"", True))
    assert np.array_equal(np.array(found, np.float32), values)
    assert [float(json.loads(text)) for text in found] == [float(text) for text in found]
    for text, value in zip(found, values, strict=True):
        shortest = np.format_float_scientific(value, unique=True, trim="-")
        assert len(_digits(text)) <= len(_digits(shortest))


def _digits(text):
    mantissa = text.lower().partition("e")[0]
    return mantissa.replace("-", "").replace(".", "").strip("0")


@pytest.mark.parametrize(
    ("value", "text"),
    [
        (0.0, "0"),
        (-0.0, "0"),
        (1.0, "1"),
        (-2.5, "-2.5"),
        (0.1, "0.1"),
        (100.0, "100"),
        (123456.7, "123456.7"),
        (1e-5, "0.00001"),
        (1e-6, "1e-6"),
        (1.5e-7, "1.5e-7"),
        (2**24, "16777216"),
        (1e15, "1000000000000000"),
        (1e16, "1e16"),
        (3.4028235e38, "3.4028235e38"),
        (1e-45, "1e-45"),
        (9.999999e9, "9999999000"),
        (0.99999994, "0.99999994"),
    ],
)
def test_how_floats_look(value, text):
    assert texts(floats(np.array([value], np.float32), b"", True)) == [text]


def test_what_is_no_number():
    values = np.array([np.nan, np.inf, -np.inf, 1], np.float32)
    assert texts(floats(values, b"null", False)) == ["null", "null", "null", "1"]
    assert texts(floats(values, b"", True)) == ["", "inf", "-inf", "1"]


@given(st.data(), st.sampled_from([np.uint8, np.int32, np.uint32, np.int64, np.uint64]))
def test_whole_numbers_of_every_size(data, kind):
    limits = np.iinfo(kind)
    numbers = data.draw(st.lists(st.integers(int(limits.min), int(limits.max)), max_size=20))
    assert texts(integers(np.array([*numbers, limits.min, limits.max], kind))) == [
        str(number) for number in [*numbers, int(limits.min), int(limits.max)]
    ]


def test_lines_put_cells_between_their_texts():
    long = b"a word of more than twenty-four bytes"
    columns = [integers(np.array([1, 22])), words(np.array([1, 0]), [long, b"b"])]
    found = lines(columns, [b'{"n":', b',"w":'], b"}\n")
    assert found == b'{"n":1,"w":b}\n{"n":22,"w":' + long + b"}\n"
    assert lines(columns, [b"", b","], b"\n") == b"1,b\n22," + long + b"\n"


def test_no_rows_give_no_lines():
    empty = np.empty(0, np.int64)
    assert lines([integers(empty), floats(empty.astype(np.float32), b"", True)], [b"", b","], b"\n") == b""


def test_replaced_leaves_the_others():
    cells = integers(np.array([5, 6, 7]))
    assert texts(replaced(cells, np.array([False, True, False]), b"null")) == ["5", "null", "7"]
    assert texts(cells) == ["5", "6", "7"]
