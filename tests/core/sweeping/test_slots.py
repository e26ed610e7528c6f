"""Each process has a device of its own, which is free again when the process is killed."""

import multiprocessing
import os
import time

import pytest

from railyard.core.sweeping import slots
from railyard.core.sweeping.slots import Slots

CONTEXT = multiprocessing.get_context("fork")


def _job(shared, told):
    told.send((slots.take(shared), slots.take(shared), os.environ["CUDA_VISIBLE_DEVICES"]))
    time.sleep(600)


@pytest.fixture
def job():
    """`job(slots)`: a process that takes a slot, and the end of a pipe where it says which."""
    started = []

    def start(shared):
        here, there = CONTEXT.Pipe()
        process = CONTEXT.Process(target=_job, args=(shared, there))
        process.start()
        started.append(process)
        return process, here

    yield start
    for process in started:
        process.kill()
        process.join()


def test_processes_take_different_devices_and_keep_them(job, tmp_path):
    shared = Slots(tmp_path, ("3", "GPU-1a"))
    answers = [job(shared)[1].recv() for _ in range(2)]
    assert answers == [("3", "3", "3"), ("GPU-1a", "GPU-1a", "GPU-1a")]


def test_a_device_is_free_again_when_its_process_is_killed(job, tmp_path):
    shared = Slots(tmp_path, ("0",))
    first, told = job(shared)
    assert told.recv()[0] == "0"
    _, waiting = job(shared)
    assert not waiting.poll(0.3)
    first.kill()
    assert waiting.poll(60)
    assert waiting.recv()[0] == "0"


def test_devices_are_shared_evenly(job, tmp_path):
    shared = Slots(tmp_path, ("0", "1"), 2)
    assert len(shared) == 4
    assert [job(shared)[1].recv()[0] for _ in range(4)] == ["0", "1", "0", "1"]
