"""What an evaluation looks at."""

import pytest

from railyard.board.training.subject import find as board_find
from railyard.core.errors import UserError
from railyard.core.training.subject import Subject, find


def test_data_of_another_class(tmp_path):
    with pytest.raises(UserError, match="knows packs only"):
        board_find(Subject(data=3, config={}, init=tmp_path), tmp_path)


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


VALUES = (
    "model.value_heads.p_die._target_=railyard.board.training.outcomes.DiesWithin",
    "model.value_heads.p_die.moves=20",
    "model.ema_decay=0.9",
)


@pytest.mark.parametrize(
    "words", [("model.ema_decay=0.9",), POLICY, VALUES], ids=["average", "no tokenizer", "value heads"]
)
def test_a_checkpoint_gives_the_init_folder_of_its_run(words, railyard, work, tiny_pack, tiny_tokenizer):
    base = (f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", *SMALL)
    folder = work / "run"
    done = railyard("train", *base, *words, f"hydra.run.dir={folder}")
    assert done.code == 0, done.err
    found = board_find(find({}, checkpoint=folder / "checkpoints" / "last.ckpt"), work)
    made = found.init
    assert sorted(path.name for path in made.iterdir()) == sorted(path.name for path in (folder / "init").iterdir())
    for path in made.iterdir():
        assert path.read_bytes() == (folder / "init" / path.name).read_bytes()
    assert type(found.objective).__name__ == ("HardMove" if words is POLICY else "MacroxueTokens")
    assert list(found.outcomes) == (["p_die"] if words is VALUES else [])
