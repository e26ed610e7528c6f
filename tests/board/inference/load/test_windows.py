"""Figures of windows, and when three of them agree."""

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.inference.load.windows import Window, agree, joined


def window(boards, seconds=5.0, **more):
    return Window(seconds=seconds, boards=boards, **more)


@pytest.mark.parametrize(
    ("boards", "are"),
    [
        ([100, 100], False),
        ([100, 100, 100], True),
        ([100, 105, 109], True),
        ([100, 105, 111], False),
        ([10, 100, 104, 96], True),
        ([100, 100, 100, 50], False),
        ([0, 0, 0], True),
    ],
)
def test_three_windows_agree_to_a_tenth(boards, are):
    assert agree([window(each) for each in boards]) is are


def test_figures_of_a_window():
    figures = window(1000, latencies=[0.001 * each for each in range(1, 101)], refusals=[0.002], cpu=2.5).figures()
    assert figures["boards_per_second"] == 200
    assert figures["requests_per_second"] == 20
    assert figures["p50_ms"] == pytest.approx(50.5)
    assert figures["p99_ms"] == pytest.approx(99.01)
    assert figures["refused_p99_ms"] == pytest.approx(2)
    assert figures["client_cores"] == 0.5


def test_a_window_without_answers_has_no_latencies():
    assert window(0).figures()["p99_ms"] is None


@given(st.lists(st.lists(st.floats(1e-6, 10), max_size=20), min_size=1, max_size=5))
def test_joined_windows_have_the_figures_of_all_requests(latencies):
    whole = joined([window(len(each), 2.0, latencies=each) for each in latencies])
    flat = [value for each in latencies for value in each]
    assert (whole.boards, whole.seconds) == (len(flat), 2.0 * len(latencies))
    assert whole.figures()["p95_ms"] == (pytest.approx(1000 * np.percentile(flat, 95)) if flat else None)


def test_of_the_server_the_means_and_the_longest_queue():
    servers = [
        {"queued_boards": 7.0, "rows_of_a_pass": 4.0, "queue_ms": 1.0},
        {"queued_boards": 3.0, "rows_of_a_pass": 8},
    ]
    assert joined([window(1, server=each) for each in servers]).server == {"queued_boards": 7.0, "rows_of_a_pass": 6.0}
