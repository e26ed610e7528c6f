"""Progress: lines with rate and time left where there is no terminal, a bar where there is one."""

import io
import logging
import sys
from types import SimpleNamespace

import pytest

from railyard.core import progress as module
from railyard.core.progress import PlainLines, clock, counting, progress, said, say_soon


@pytest.fixture
def lines(caplog, monkeypatch):
    """Plain lines logged, under a clock that the test sets."""
    caplog.set_level(logging.INFO)
    now = [0.0]
    monkeypatch.setattr(module.time, "monotonic", lambda: now[0])
    return now, lambda: [record.message for record in caplog.records]


@pytest.mark.parametrize(
    ("seconds", "text"),
    [(0, "0s"), (59.4, "59s"), (59.6, "1m 00s"), (185, "3m 05s"), (7625, "2h 07m"), (90000, "25h 00m")],
)
def test_clock(seconds, text):
    assert clock(seconds) == text


def test_a_line_says_share_rate_and_time_left():
    assert (
        PlainLines("fit", 100, "rows").line(50, 10.0, "loss 1.0") == "fit 50/100 rows, 5.0 rows/s, 10s left, loss 1.0"
    )


def test_a_line_without_total_or_time():
    assert PlainLines("fit", None, "rows").line(1500, 10.0, "") == "fit 1,500 rows, 150.0 rows/s"
    assert PlainLines("fit", 10, "rows").line(0, 0.0, "") == "fit 0/10 rows, 0.0 rows/s"


def test_work_of_an_earlier_process_does_not_count_in_the_rate():
    assert (
        PlainLines("fit", 100, "steps", initial=50)
        .line(60, 10.0, "")
        .startswith("fit 60/100 steps, 1.0 steps/s, 40s left")
    )


def test_lines_come_at_intervals_and_at_the_end(lines):
    now, logged = lines
    tick = PlainLines("fit", 4, "rows", every_seconds=10)
    for step, second in [(1, 5), (2, 10), (3, 15), (4, 16)]:
        now[0] = second
        tick(step)
    assert [line.split(",")[0] for line in logged()] == ["fit 2/4 rows", "fit 4/4 rows"]


def test_the_end_is_said_once(lines):
    now, logged = lines
    tick = PlainLines("fit", 2, "rows", every_seconds=10)
    now[0] = 1.0
    tick(2)
    tick(2)
    assert len(logged()) == 1


def test_counting_learns_its_total_on_the_way(lines):
    now, logged = lines
    with counting("pack", "games") as tick:
        now[0] = 1.0
        tick(1, 2)
        tick(2, 2)
    assert logged() == ["pack 2/2 games, 2.0 games/s, 0s left"]


def test_the_speed_is_that_of_this_call_and_a_note_stands_beside_it(lines):
    now, logged = lines
    with counting("extract", "blocks") as tick:
        now[0] = 2.0
        tick(10, 10, 6)
    with counting("teach", "games") as tick:
        now[0] = 3.0
        tick(1, 1, note="7 moves/s")
    assert logged() == [
        "extract 4/4 blocks, 2.0 blocks/s, 0s left, 6 done before",
        "teach 1/1 games, 1.0 games/s, 0s left, 7 moves/s",
    ]


def test_something_is_said_soon_on_a_terminal_only_where_nothing_else_was(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    say_soon("reading", seconds=60.0)
    said()
    say_soon("waiting", seconds=0.0)
    module._soon[0].join(10)
    said()
    assert screen.getvalue() == "waiting\n"
    monkeypatch.setattr(sys, "stderr", io.StringIO())
    say_soon("no terminal")
    assert not module._soon


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_a_bar_on_a_terminal(monkeypatch):
    screen = Terminal()
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("train", 10, "steps", initial=2) as tick:
        tick(10, "loss 0.5000")
    assert "train" in screen.getvalue()
    assert "10/10" in screen.getvalue()
    assert "loss 0.5000" in screen.getvalue()


def test_the_bar_estimates_as_the_lines_do(monkeypatch):
    """What an earlier call did counts neither for the rate nor for the time left."""
    screen, now = Terminal(), [0.0]
    monkeypatch.setattr(sys, "stderr", screen)
    monkeypatch.setattr(module, "time", SimpleNamespace(monotonic=lambda: now[0]))
    monkeypatch.setenv("TERM", "xterm")
    monkeypatch.setenv("COLUMNS", "120")
    with progress("train", 10, "steps", initial=2) as tick:
        now[0] = 4.0
        tick(6)
    assert "1.0 steps/s, 4s left" in screen.getvalue()
    assert PlainLines("train", 10, "steps", initial=2).line(6, 4.0, "") == "train 6/10 steps, 1.0 steps/s, 4s left"
