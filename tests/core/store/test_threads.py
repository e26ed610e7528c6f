import threading
import time

import pytest

from railyard.core.store import threads
from railyard.core.store.threads import map_in_threads


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_results_come_in_order(workers):
    def slow_first(item, stop):
        time.sleep(0.02 if item == 0 else 0)
        return -item

    assert list(map_in_threads(slow_first, range(40), workers)) == [-item for item in range(40)]
    assert list(map_in_threads(slow_first, [], workers)) == []


def test_work_does_not_run_far_ahead_of_the_oldest_result():
    begun, gate = [], threading.Event()

    def work(item, stop):
        begun.append(item)
        if item == 0:
            gate.wait(5)
        return item

    def release():
        if len(begun) == threads.AHEAD * 2:
            gate.set()

    results = map_in_threads(work, range(100), 2, release)
    assert next(results) == 0
    assert max(begun) < threads.AHEAD * 2
    results.close()


def test_closing_stops_the_work_and_begins_no_more():
    begun = []

    def until_stopped(item, stop):
        begun.append(item)
        if item:
            assert stop.wait(5)

    results = map_in_threads(until_stopped, range(50), 2)
    next(results)
    results.close()
    assert len(begun) <= 3


def test_an_error_in_the_work_reaches_the_caller_also_a_timeout():
    def work(item, stop):
        raise TimeoutError("its own")

    with pytest.raises(TimeoutError, match="its own"):
        list(map_in_threads(work, [1], 1))
