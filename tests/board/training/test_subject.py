"""What an evaluation looks at."""

import pytest

from railyard.board.training.subject import find, init_from_checkpoint
from railyard.core.errors import UserError
from railyard.core.runs.folder import write_config
from railyard.core.training.experiment import Evaluate

DATA = {"_target_": "railyard.board.training.config.PackData", "pack": "old", "batch_size": 8}


@pytest.fixture
def run(tmp_path):
    (tmp_path / "init").mkdir()
    write_config(tmp_path, {"data": DATA})
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
    write_config(run, {"data": {"_target_": "their.Data"}, "allow": []})
    with pytest.raises(UserError, match="may not be built"):
        find(Evaluate(run=run), run / "out")


SMALL = (
    "data.batch_size=64",
    "model.encoder.hidden_size=16",
    "model.encoder.num_hidden_layers=1",
    "model.encoder.num_attention_heads=2",
    "model.encoder.intermediate_size=32",
    "trainer.accelerator=cpu",
    "trainer.max_steps=4",
    "callbacks.report=null",
)
POLICY = ("objective=board_hard_move", "model.encoder.head_type=action_policy", "data.tokenizer=null")


@pytest.mark.parametrize("words", [("model.ema_decay=0.9",), POLICY], ids=["average", "no tokenizer"])
def test_a_checkpoint_gives_the_init_folder_of_its_run(words, railyard, work, tiny_pack, tiny_tokenizer):
    base = (f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", *SMALL)
    folder = work / "run"
    done = railyard("train", *base, *words, f"hydra.run.dir={folder}")
    assert done.code == 0, done.err
    made = init_from_checkpoint(folder, folder / "checkpoints" / "last.ckpt", work / "made")
    assert sorted(path.name for path in made.iterdir()) == sorted(path.name for path in (folder / "init").iterdir())
    for path in made.iterdir():
        assert path.read_bytes() == (folder / "init" / path.name).read_bytes()
    objective = find(Evaluate(run=folder), work / "out").objective
    assert type(objective).__name__ == ("HardMove" if words is POLICY else "MacroxueTokens")
