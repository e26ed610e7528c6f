"""A running inference server under attack: a cut of `./run prove serve`."""

import pytest
import serve_harness as harness

pytestmark = pytest.mark.slow


def test_damaged_requests_are_refused():
    found = harness.damaged(2000, 1)
    assert not found["faults"], found
    assert {"OK", "INVALID_ARGUMENT"} <= set(found["statuses"])


def test_who_cancels_or_is_late_leaves_nothing_behind():
    found = harness.cancelled(500, 1)
    assert not found["faults"], found
    assert {"cancelled", "DEADLINE_EXCEEDED"} <= set(found["ends"])


def test_a_signal_under_load_loses_no_answer():
    found = harness.stopped(3, 1)
    assert not found["faults"], found
    assert found["boards"] > 0


def test_clients_that_are_killed_leave_nothing_behind():
    found = harness.killed(10, 1)
    assert not found["faults"], found
