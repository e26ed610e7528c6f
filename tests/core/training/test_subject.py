"""What an evaluation looks at, for any rail."""

import pytest
from guest_rail import Numbers

from railyard.core.errors import UserError
from railyard.core.runs.folder import write_config
from railyard.core.training.subject import find

ALLOW = ["guest_rail.Numbers"]
DATA = {"_target_": "guest_rail.Numbers", "file": "old", "batch_size": 8}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "init").mkdir()
    write_config(tmp_path, {"data": DATA, "allow": ALLOW})
    return tmp_path


def test_the_runs_data_with_one_key_changed(run):
    subject = find({"file": "new"}, run, allow=ALLOW)
    assert (subject.run, subject.init, subject.checkpoint) == (run, run / "init", None)
    assert (str(subject.data.file), subject.data.batch_size) == ("new", 8)


def test_a_changed_key_is_checked(run):
    with pytest.raises(UserError, match=r"data\.batch_size: must be greater than or equal to 1, got 0"):
        find({"batch_size": 0}, run, allow=ALLOW)


def test_a_checkpoint_speaks_for_the_run_it_lies_in(run):
    subject = find({}, checkpoint=run / "checkpoints" / "last.ckpt", allow=ALLOW)
    assert (subject.run, subject.init) == (run.resolve(), None)
    assert subject.checkpoint == run / "checkpoints" / "last.ckpt"


def test_data_of_a_class_that_is_not_admitted(run):
    write_config(run, {"data": {"_target_": "their.Data"}, "allow": []})
    with pytest.raises(UserError, match="may not be built"):
        find({}, run)


def test_an_init_folder_needs_data(tmp_path):
    with pytest.raises(UserError, match="does not say on what data to look: add data= with one of board_annealed, "):
        find({}, bundle=tmp_path)
    data = Numbers(file="some.numbers")
    assert find(data, bundle=tmp_path).data is data


def test_a_run_without_weights(run):
    (run / "init").rmdir()
    with pytest.raises(UserError, match="holds neither init/ nor a checkpoint"):
        find({}, run, allow=ALLOW)


@pytest.mark.parametrize("data", [None, [1], "x"])
def test_a_config_without_data_is_one_sentence(data, run):
    write_config(run, {"data": data})
    with pytest.raises(UserError, match=r"config\.yaml does not say on what data the run was trained: restore it"):
        find({}, run)
