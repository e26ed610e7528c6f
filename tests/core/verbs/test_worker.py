"""One job of a sweep: it runs once, and only while its sweep wants it."""

from types import SimpleNamespace

import pytest
from small_verb import app

from railyard.core.store.lock import locked
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.sweeping.sweep_call import SweepCall
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
            "doctor",
            app(lambda job: ran.append(job.root.depth) or {}),
            (),
            SweepFolder(work),
            {0: TRIAL},
            SweepCall.begin(work),
        )


def run(worker):
    worker(SimpleNamespace(trial=0))


def test_a_job_runs_to_its_end_once(worker, ran):
    run(worker)
    run(worker)
    assert ran == [1]
    assert worker.folder.outcome(0).state == "complete"


def test_a_job_that_another_process_ended_meanwhile_is_left_as_it_is(worker, ran):
    worker.folder.job(0).mkdir()
    worker.folder.write_outcome(TRIAL, Outcome(0, "failed", error="the device's memory is full"))
    run(worker)
    assert ran == []
    assert worker.folder.outcome(0).error == "the device's memory is full"


def test_a_job_that_its_sweep_no_longer_wants_does_not_begin(worker, ran):
    worker.call.stop_jobs()
    run(worker)
    assert ran == []
    assert not worker.folder.job(0).exists()
