"""What the plan of a run warns of, from headers alone."""

from pathlib import Path

import pytest

from railyard.board import plan
from railyard.board.model.config import Encoder
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.objectives import MacroxueTokens
from railyard.core.config import Foreign
from railyard.core.experiment import Experiment
from railyard.core.shuffling import Windowed

FIXTURES = Path(__file__).parents[1] / "fixtures" / "board"
SIZE = 654 * 46  # bytes of the rows


def described(**keys):
    tokenizer = FIXTURES / "04_tokenizer_v2_8.json"
    return plan.describe(
        Experiment(
            data=PackData(pack=FIXTURES / "03_pack", tokenizer=tokenizer, batch_size=36, **keys),
            model=BoardModel(encoder=Encoder(), optimizer=Foreign("torch.optim.AdamW", {"lr": 1e-3}, True)),
            objective=MacroxueTokens(),
            trainer=Foreign("lightning.pytorch.Trainer", {"max_steps": 3}),
        )
    )


@pytest.mark.parametrize(
    ("memory", "keys", "warned"),
    [
        (SIZE - 1, {}, True),
        (SIZE, {}, False),
        (SIZE - 1, {"shuffle": False}, False),
        (SIZE - 1, {"order": Windowed()}, False),
    ],
)
def test_a_full_shuffle_of_a_pack_larger_than_memory_is_warned_of(monkeypatch, memory, keys, warned):
    monkeypatch.setattr(plan.os, "sysconf", {"SC_PAGE_SIZE": 1, "SC_PHYS_PAGES": memory}.get)
    assert ("set data.order._target_=railyard.core.shuffling.Windowed" in described(**keys)) is warned
