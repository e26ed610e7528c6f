"""The language of `where=`: what it reads, what holds, and what it refuses."""

from contextlib import suppress

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.core.query import KNOWN, Condition, parse

RUN = {
    "experiment": "board/quickstart",
    "seed": 3,
    "model.optimizer.lr": 0.002,
    "val/loss": 4.5,
    "tags": ["board", "x"],
    "state": "finished",
    "compile": True,
    "name": "2026-11-20T11-43-48Z_04364b",
    "when": "2026-11-20T11:43:48+00:00",
    "best": None,
}


def holds(text):
    return all(condition.holds(RUN) for condition in parse(text))


@pytest.mark.parametrize(
    "text",
    [
        "experiment=board/quickstart",
        "seed=3",
        "seed==3.0",
        "model.optimizer.lr>1e-3",
        "val/loss<5",
        "val/loss <= 4.5 and val/loss>=4.5",
        "tag=x",
        "tags=board, tag=x",
        "state!=failed",
        "compile=true",
        "experiment~QUICK",
        "when>2026-11-01",
        "when<'2026-12-01'",
        "best=null",
        "nothing!=3",
        "",
        "tag~bo,seed!=4 and state=finished",
    ],
)
def test_what_holds(text):
    assert holds(text)


@pytest.mark.parametrize(
    "text",
    [
        "seed=4",
        "seed!=3",
        "val/loss<4.5",
        "tag=y",
        "tag!=x",
        "compile=1",
        "best<3",
        "nothing=3",
        "seed=3, seed=4",
        "experiment=board",
        "seed='4'",
        "when<2026-11-01",
    ],
)
def test_what_does_not_hold(text):
    assert not holds(text)


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("seed", "'seed' is not of the form key=value"),
        ("seed=", "is not of the form"),
        ("=3", "is not of the form"),
        ("seed=>3", "no operator '=>'; did you mean '>'"),
        ("seed<abc", "seed< compares numbers, got 'abc'"),
        ("seed=3,", "expected another condition after ','"),
        ("seed=3 and", "is not of the form|another condition"),
        ("seed=3 or seed=4", "is not of the form|expected a comma or 'and'"),
        ("a='b", "is not of the form"),
    ],
)
def test_what_cannot_be_read_is_one_sentence(text, reason):
    with pytest.raises(UserError, match=reason):
        parse(text)


def test_quoted_values_are_text_and_may_hold_anything():
    assert parse("a='1, b<2 and c', d=\"x'y\"") == [Condition("a", "=", "1, b<2 and c"), Condition("d", "=", "x'y")]


def test_words_with_blanks():
    assert parse("message~no space left and seed=3")[0].value == "no space left"


@given(st.lists(st.tuples(st.sampled_from(["=", "!=", "<", ">="]), st.integers() | st.floats(-1e9, 1e9)), max_size=4))
def test_numbers_come_back_as_written(pairs):
    text = ", ".join(f"k.{i}{operator}{value!r}" for i, (operator, value) in enumerate(pairs))
    assert parse(text) == [Condition(f"k.{i}", operator, value) for i, (operator, value) in enumerate(pairs)]


@given(st.text(max_size=30) | st.text("ab=<>!~'\", ,and1.", max_size=30))
def test_any_text_is_read_or_refused(text):
    with suppress(UserError):
        assert all(condition.operator in KNOWN for condition in parse(text))


@pytest.mark.parametrize("digits", [400, 5000])
def test_a_whole_number_beyond_every_float_is_infinite(digits):
    """NumPy compares no column with such a whole number, and Python reads none of more than 4,300 digits."""
    (low,), (high,) = parse(f"seed<-{'9' * digits}"), parse(f"seed<{'9' * digits}")
    assert (low.value, high.value) == (-float("inf"), float("inf"))
    assert not low.holds(RUN)
    assert high.holds(RUN)
    (exact,) = parse(f"seed<{2**64 + 1}")
    assert exact.value == 2**64 + 1
