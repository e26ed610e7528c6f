"""What an evaluation looks at."""

import pytest

from railyard.board.training.subject import find
from railyard.core import run as runs
from railyard.core.errors import UserError
from railyard.core.experiment import Evaluate

DATA = {"_target_": "railyard.board.training.config.PackData", "pack": "old", "batch_size": 8}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "init").mkdir()
    runs.write_config(tmp_path, {"data": DATA})
    return tmp_path


def test_the_runs_data_with_one_key_changed(run):
    init, data, _ = find(Evaluate(run=run, data={"pack": "new"}), run / "out")
    assert init == run / "init"
    assert (str(data.pack), data.batch_size) == ("new", 8)


def test_a_changed_key_is_checked(run):
    with pytest.raises(UserError, match=r"data\.batch_size: must be greater than or equal to 1, got 0"):
        find(Evaluate(run=run, data={"batch_size": 0}), run / "out")


def test_a_checkpoint_speaks_for_the_run_it_lies_in(run):
    assert Evaluate(ckpt_path=run / "checkpoints" / "last.ckpt").run_folder() == run.resolve()


def test_data_of_another_class(run):
    runs.write_config(run, {"data": {"_target_": "their.Data"}, "allow": []})
    with pytest.raises(UserError, match="may not be built"):
        find(Evaluate(run=run), run / "out")
