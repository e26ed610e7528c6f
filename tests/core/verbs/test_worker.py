"""One job of a sweep: it runs once, and only while its sweep wants it."""

from types import SimpleNamespace

import pytest
from small_verb import app

from railyard.core.store.lock import locked
from railyard.core.sweeping import folder as folders
from railyard.core.sweeping.tether import Tether
from railyard.core.sweeping.trial import Outcome, Trial
from railyard.core.verbs.worker import Worker

TRIAL = Trial(0, ("depth=1",))


@pytest.fixture
def ran():
    return []


@pytest.fixture
def worker(work, ran):
    with locked(work):
        yield Worker(
            "doctor", app(lambda job: ran.append(job.root.depth) or {}), (), work, {0: TRIAL}, Tether.tie(work)
        )


def run(worker):
    worker(SimpleNamespace(trial=0))


def test_a_job_runs_to_its_end_once(worker, ran):
    run(worker)
    run(worker)
    assert ran == [1]
    assert folders.outcome(worker.folder, 0).state == "complete"


def test_a_job_that_another_process_ended_meanwhile_is_left_as_it_is(worker, ran):
    folders.place(worker.folder, 0).mkdir()
    folders.write_outcome(worker.folder, TRIAL, Outcome(0, "failed", error="the device's memory is full"))
    run(worker)
    assert ran == []
    assert folders.outcome(worker.folder, 0).error == "the device's memory is full"


def test_a_job_that_its_sweep_no_longer_wants_does_not_begin(worker, ran):
    worker.tether.cut()
    run(worker)
    assert ran == []
    assert not folders.place(worker.folder, 0).exists()
