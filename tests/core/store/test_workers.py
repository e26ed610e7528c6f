import operator
import os
import signal
import subprocess
import sys
import time

import pytest

from railyard.core.store import workers
from railyard.core.store.workers import WorkerDied, map_in_processes


@pytest.mark.parametrize("count", [1, 2, 3])
def test_results_come_in_order_for_any_number_of_workers(count):
    assert list(map_in_processes(operator.neg, range(50), count)) == [-i for i in range(50)]


def test_a_slow_item_does_not_let_others_run_away(monkeypatch):
    """The oldest result is as slow as can be: it is looked at when no other is to come."""
    given, slow = [], []
    give, wait = workers._Worker.give, workers.wait

    def noted(self, number, item):
        given.append(number)
        slow.extend([self.link] if number == 0 else [])
        give(self, number, item)

    monkeypatch.setattr(workers._Worker, "give", noted)
    monkeypatch.setattr(workers, "wait", lambda links: wait([link for link in links if link not in slow] or links))
    results = map_in_processes(operator.neg, range(41), 2)
    assert next(results) == 0
    assert given == [*range(workers.WINDOW * 2)]
    assert [*results] == [-number for number in range(1, 41)]
    assert given == [*range(41)]


def test_more_workers_than_items_are_not_started(monkeypatch):
    started = []
    original = workers._Worker.__init__
    monkeypatch.setattr(workers._Worker, "__init__", lambda self, work: (started.append(1), original(self, work))[1])
    assert list(map_in_processes(operator.neg, [1, 2], 9)) == [-1, -2]
    assert len(started) == 2
    assert list(map_in_processes(operator.neg, [], 9)) == []


def test_an_interrupt_from_the_terminal_does_not_reach_the_workers():
    """It goes to a process group, and each has its own."""
    groups = list(map_in_processes(os.getpgid, [0, 0], 2))
    assert os.getpgid(0) not in groups
    assert len(set(groups)) == 2


def pids(monkeypatch):
    found = []
    original = workers._Worker.__init__

    def init(self, work):
        original(self, work)
        found.append(self.process.pid)

    monkeypatch.setattr(workers._Worker, "__init__", init)
    return found


def gone(pid):
    try:
        os.kill(pid, 0)
    except ProcessLookupError:
        return True
    return False


def test_closing_early_ends_the_workers(monkeypatch):
    found = pids(monkeypatch)
    results = map_in_processes(time.sleep, [0, 60, 60, 60], 2)
    next(results)
    results.close()
    assert len(found) == 2
    assert all(map(gone, found))


def test_a_worker_that_is_killed_is_named_with_what_it_had(monkeypatch):
    found = pids(monkeypatch)
    results = map_in_processes(time.sleep, [0, 60, 60], 2)
    next(results)
    for pid in found:
        os.kill(pid, signal.SIGKILL)
    with pytest.raises(WorkerDied, match=r"a worker process ended with exit code -9 while it had 60: it was killed"):
        list(results)
    assert all(map(gone, found))


def test_a_defect_in_the_work_ends_it_with_its_traceback(capfd):
    with pytest.raises(WorkerDied, match=r"exit code 1 while it had x: .* left its reason above"):
        list(map_in_processes(operator.neg, ["x"], 2))
    assert "bad operand type for unary -" in capfd.readouterr().err


PROGRAM = """
import sys, time
from railyard.core.store import workers
original = workers._Worker.__init__
def init(self, work):
    original(self, work)
    print(self.process.pid, flush=True)
workers._Worker.__init__ = init
for _ in workers.map_in_processes(time.sleep, [0] + [1] * 20, 2):
    print("first", flush=True)
"""


@pytest.mark.parametrize(
    "number",
    [*(pytest.param(number, marks=pytest.mark.slow) for number in (signal.SIGINT, signal.SIGTERM)), signal.SIGKILL],
)
def test_no_worker_outlives_its_parent(number):
    with subprocess.Popen(
        [sys.executable, "-c", PROGRAM], stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True
    ) as parent:
        found = [int(parent.stdout.readline()) for _ in range(2)]
        assert parent.stdout.readline() == "first\n"
        parent.send_signal(number)
        parent.wait()
    ends = time.monotonic() + 60
    while not all(map(gone, found)) and time.monotonic() < ends:
        time.sleep(0.05)
    assert all(map(gone, found))
