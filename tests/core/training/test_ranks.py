"""Two processes train as one: the same figures, one record, no files beside it, and one end for both."""

import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest
import resume_harness as harness
import tiny

from railyard.core.errors import RailyardError, UserError
from railyard.core.training.ranks import RankFailed, _Member

WORDS = [*harness.TINY, "model.encoder.dropout_prob=0.0", "data.augmentation.rotations=true", "trainer.max_epochs=2"]
ONE = [*WORDS, "data.validation_batch_size=33"]
TWO = [*WORDS, "trainer=ddp_sim", "data.batch_size=18", "data.validation_batch_size=50"]


def outputs(folder):
    return sorted(str(path.relative_to(folder)) for path in folder.rglob("*") if path.is_file())


def values(folder):
    return [[*row.values()] for row in tiny.rows(folder)]


@pytest.fixture(scope="module")
def runs(tmp_path_factory):
    """A run in one process and one in two, of the same global batches, each in a working directory of its own."""
    folders = []
    for words in (ONE, TWO):
        place = tmp_path_factory.mktemp("run")
        assert harness.start(["train", *words, "json=true"], place) == 0, (place / "stderr.txt").read_text()
        folders.append(harness.run_folder(place))
    return folders


@pytest.mark.slow
def test_two_ranks_have_the_figures_of_one(runs):
    """To the order of float additions, in every row: those of validation, whose last batch is uneven, and those of
    training, which follow from the same rows in the same global batches."""
    one, two = (tiny.rows(folder) for folder in runs)
    assert [[*row] for row in one] == [[*row] for row in two]
    for first, second in zip(one, two, strict=True):
        assert second == pytest.approx(first, rel=1e-5)


@pytest.mark.slow
def test_two_ranks_leave_what_one_leaves(runs):
    one, two = runs
    assert outputs(one) == outputs(two)
    beside = [path.name for path in two.parents[3].iterdir()]
    assert sorted(beside) == ["counts.json", "outputs", "stderr.txt", "stdout.txt"]
    assert len([*two.parent.iterdir()]) == 1
    result = (two.parents[3] / "stdout.txt").read_text()
    assert result.count("\n") == 1, "one process prints the result"
    assert json.loads(result)["run"] == str(two)
    assert json.loads((two / "provenance.json").read_text())["ranks"] == 2


@pytest.mark.slow
def test_a_run_goes_on_with_the_same_rows_on_another_number_of_ranks(runs, tmp_path):
    """Both end like a run of three epochs in one process."""
    found = []
    for name, folder, devices in (("one", runs[0], 2), ("two", runs[1], 1)):
        copy = tmp_path / name / "outputs" / "train" / "none" / "run"
        shutil.copytree(folder, copy, symlinks=True)
        words = ["train", f"resume={copy}", "trainer.max_epochs=3", f"trainer.devices={devices}"]
        assert harness.start(words, tmp_path / name) == 0, (tmp_path / name / "stderr.txt").read_text()
        found.append(tiny.rows(copy))
        told = (tmp_path / name / "stderr.txt").read_text()
        assert f"data.batch_size: {18 * devices} -> {36 // devices}" in told
    for first, second in zip(*found, strict=True):
        assert second == pytest.approx(first, rel=1e-5)
    assert found[0][-1]["step"] == 39


@pytest.mark.slow
def test_a_lost_rank_ends_the_run_with_a_sentence_and_leaves_nobody(tmp_path):
    kill = harness.Kill(signal.SIGKILL, "batch", 5, victim="rank 1")
    assert harness.start(["train", *TWO], tmp_path, kill) == 1
    last = (tmp_path / "stderr.txt").read_text().splitlines()[-1]
    assert last == ("railyard train: rank 1 of the run was ended by SIGKILL; resume= goes on from the last checkpoint")


@pytest.mark.slow
def test_the_other_ranks_leave_when_the_first_is_killed(tmp_path):
    words = ["train", *TWO, "trainer.max_epochs=100000"]
    command = [sys.executable, "-m", "railyard.cli", *words]
    with subprocess.Popen(command, cwd=tmp_path, stderr=subprocess.PIPE, text=True) as process:
        for line in process.stderr:
            if " steps/s" in line:
                break
        (other,) = children(process.pid)
        process.kill()
    give_up = time.monotonic() + 60
    while alive(other) and time.monotonic() < give_up:
        time.sleep(0.1)
    assert not alive(other)


def children(process):
    found = [file.read_text() for file in Path(f"/proc/{process}/task").glob("*/children")]
    return [int(word) for word in " ".join(found).split()]


def alive(process):
    try:
        os.kill(process, 0)
    except ProcessLookupError:
        return False
    return Path(f"/proc/{process}/stat").read_text().rpartition(")")[2].split()[0] != "Z"


class Ended:
    def __init__(self, code):
        self.code = code

    def wait(self, patience=None):
        return self.code


def failure(code, word=b""):
    member = object.__new__(_Member)
    member.rank, member.process = 3, Ended(code)
    return member.failure(word)


def test_how_a_rank_ended_is_told():
    assert "rank 3 of the run was ended by SIGKILL" in str(failure(-9))
    assert "rank 3 of the run failed; its reason stands above" in str(failure(1))
    assert isinstance(failure(1), RankFailed)


@pytest.mark.parametrize("kind", [UserError, RailyardError])
def test_what_a_rank_says_is_the_error(kind):
    word = json.dumps({"message": "the pack is gone", "exit_code": kind.exit_code}).encode()
    assert type(failure(1, word)) is kind
    assert str(failure(1, word)) == "the pack is gone"
