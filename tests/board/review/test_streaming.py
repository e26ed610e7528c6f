"""Lines of a run: head, each step once, and where to go on."""

import json

import pytest

from railyard.board.review import streaming
from railyard.board.review.answers import json_bytes, lines_answer
from railyard.board.review.streaming import run_lines


@pytest.mark.parametrize(
    ("first", "count", "total"), [(0, 10, 10), (3, 4, 10), (0, 0, 0), (10, 0, 10), (2, 8, 10), (1, 1, 9)]
)
@pytest.mark.parametrize("most", [1, 3, 100])
def test_each_step_is_told_once_and_next_says_where_to_go_on(monkeypatch, first, count, total, most):
    monkeypatch.setattr(streaming, "MOST_STEPS", most)

    def steps(start, number):
        assert number <= most
        return [{"step": step} for step in range(start, start + number)]

    head, *told, last = [line for block in run_lines({"head": 1}, first, count, total, steps) for line in block]
    assert head == {"head": 1}
    assert told == [{"step": step} for step in range(first, first + count)]
    assert last == {"next": first + count if first + count < total else None}


def test_what_is_wrong_is_told_before_the_first_line():
    def steps(start, number):
        raise ZeroDivisionError

    with pytest.raises(ZeroDivisionError):
        lines_answer(run_lines({}, 0, 3, 3, steps))


def test_numbers_that_json_lacks_are_null():
    assert json.loads(json_bytes([float("nan"), float("inf"), -float("inf"), 0.1])) == [None, None, None, 0.1]
