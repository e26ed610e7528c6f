"""Jobs in other processes stop when their sweep stops, goes on anew, or dies."""

import dataclasses
import multiprocessing
import os
import signal
import subprocess
import sys
import time

import pytest

from railyard.core.store.lock import locked
from railyard.core.sweeping.tether import CutOnSignal, Tether


@pytest.fixture
def tied(tmp_path):
    with locked(tmp_path):
        yield Tether.tie(tmp_path)


def test_it_holds_until_it_is_cut(tied):
    assert tied.holds()
    tied.cut()
    tied.cut()
    assert not tied.holds()


def test_a_newer_call_on_the_sweep_takes_over(tied):
    newer = Tether.tie(tied.folder)
    assert newer.holds()
    assert not tied.holds()


def test_a_sweep_that_died_holds_nothing_on_its_host(tmp_path):
    with locked(tmp_path):
        tether = Tether.tie(tmp_path)
    assert not tether.holds()
    assert dataclasses.replace(tether, host="another").holds()


def test_in_the_sweeps_own_process_signals_are_left_alone(tied):
    before = signal.getsignal(signal.SIGINT)
    assert tied.is_own()
    with tied.watched():
        assert signal.getsignal(signal.SIGINT) is before


INTERRUPTED = 7


def _job(tether, began):
    try:
        with tether.watched():
            began.set()
            time.sleep(600)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


@pytest.fixture
def job(tied):
    """A job in a process of its own, once it has begun."""
    context = multiprocessing.get_context("fork")
    began = context.Event()
    process = context.Process(target=_job, args=(tied, began))
    process.start()
    assert began.wait(60)
    yield process
    process.kill()
    process.join()


def test_a_cut_reaches_a_job_in_another_process(tied, job):
    os.kill(job.pid, signal.SIGINT)  # as Ctrl-C at a terminal does; the sweep decides
    tied.cut()
    job.join(60)
    assert job.exitcode == INTERRUPTED


IDLE = """
import sys, time
from pathlib import Path
from railyard.core.sweeping.tether import Tether

with Tether(Path(sys.argv[1]), "token", sys.argv[2], int(sys.argv[3])).watched():
    pass
print("idle", flush=True)
time.sleep(600)
"""


def test_an_idle_worker_leaves_after_its_sweep(tied):
    with subprocess.Popen(["sleep", "600"]) as sweep:
        words = [sys.executable, "-c", IDLE, str(tied.folder), tied.host, str(sweep.pid)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as worker:
            assert worker.stdout.readline() == b"idle\n"
            assert worker.poll() is None
            sweep.kill()
            sweep.wait()
            try:
                assert worker.wait(60) == 1
            finally:
                worker.kill()


def test_the_first_signal_cuts_and_the_second_interrupts(tied):
    with CutOnSignal(tied, own=False) as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.requested == "SIGTERM"
        assert not tied.holds()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_jobs_in_the_sweeps_own_process_see_to_signals_themselves(tied):
    with CutOnSignal(tied, own=True), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert tied.holds()
