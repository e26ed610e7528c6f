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
from railyard.core.sweeping.sweep_call import StopJobsOnSignal, SweepCall


@pytest.fixture
def call(tmp_path):
    with locked(tmp_path):
        yield SweepCall.begin(tmp_path)


def test_it_is_current_until_its_jobs_are_stopped(call):
    assert call.is_current()
    call.stop_jobs()
    call.stop_jobs()
    assert not call.is_current()


def test_a_newer_call_on_the_sweep_takes_over(call):
    newer = SweepCall.begin(call.folder)
    assert newer.is_current()
    assert not call.is_current()


def test_a_call_that_died_is_over_on_its_host(tmp_path):
    with locked(tmp_path):
        call = SweepCall.begin(tmp_path)
    assert not call.is_current()
    assert dataclasses.replace(call, host="another").is_current()


def test_in_the_sweeps_own_process_signals_are_left_alone(call):
    before = signal.getsignal(signal.SIGINT)
    assert call.is_own_process()
    with call.stopping_with_it():
        assert signal.getsignal(signal.SIGINT) is before


INTERRUPTED = 7


def _job(call, began):
    try:
        with call.stopping_with_it():
            began.set()
            time.sleep(600)
    except KeyboardInterrupt:
        os._exit(INTERRUPTED)


@pytest.fixture
def job(call):
    """A job in a process of its own, once it has begun."""
    context = multiprocessing.get_context("fork")
    began = context.Event()
    process = context.Process(target=_job, args=(call, began))
    process.start()
    assert began.wait(60)
    yield process
    process.kill()
    process.join()


def test_the_end_of_a_call_reaches_a_job_in_another_process(call, job):
    os.kill(job.pid, signal.SIGINT)  # as Ctrl-C at a terminal does; the sweep decides
    call.stop_jobs()
    job.join(60)
    assert job.exitcode == INTERRUPTED


IDLE = """
import sys, time
from pathlib import Path
from railyard.core.sweeping.sweep_call import SweepCall

with SweepCall(Path(sys.argv[1]), "token", sys.argv[2], int(sys.argv[3])).stopping_with_it():
    pass
print("idle", flush=True)
time.sleep(600)
"""


def test_an_idle_worker_leaves_after_its_sweep(call):
    with subprocess.Popen(["sleep", "600"]) as sweep:
        words = [sys.executable, "-c", IDLE, str(call.folder), call.host, str(sweep.pid)]
        with subprocess.Popen(words, stdout=subprocess.PIPE) as worker:
            assert worker.stdout.readline() == b"idle\n"
            assert worker.poll() is None
            sweep.kill()
            sweep.wait()
            try:
                assert worker.wait(60) == 1
            finally:
                worker.kill()


def test_the_first_signal_stops_jobs_and_the_second_interrupts(call):
    with StopJobsOnSignal(call, own=False) as signals:
        signal.raise_signal(signal.SIGTERM)
        assert signals.requested == "SIGTERM"
        assert not call.is_current()
        with pytest.raises(KeyboardInterrupt):
            signal.raise_signal(signal.SIGTERM)


def test_jobs_in_the_sweeps_own_process_see_to_signals_themselves(call):
    with StopJobsOnSignal(call, own=True), pytest.raises(KeyboardInterrupt):
        signal.raise_signal(signal.SIGINT)
    assert call.is_current()
