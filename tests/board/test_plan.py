"""What the plan of a run warns of, from headers alone."""

from pathlib import Path

import pytest

from railyard.board import plan
from railyard.board.model.config import Encoder
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.outcomes import DiesWithin, Reaches
from railyard.core.config.component import Foreign
from railyard.core.errors import UserError
from railyard.core.training.experiment import Experiment
from railyard.core.training.shuffling import Windowed

FIXTURES = Path(__file__).parents[1] / "fixtures" / "board"
SIZE = 654 * 46  # bytes of the rows


def described(trainer=None, value_heads=None, **keys):
    tokenizer = FIXTURES / "04_tokenizer_v2_8.json"
    return "\n".join(
        plan.lines(
            Experiment(
                data=PackData(pack=FIXTURES / "03_pack", tokenizer=tokenizer, batch_size=36, **keys),
                model=BoardModel(
                    encoder=Encoder(),
                    optimizer=Foreign("torch.optim.AdamW", {"lr": 1e-3}, True),
                    value_heads=value_heads or {},
                ),
                objective=MacroxueTokens(),
                trainer=Foreign("lightning.pytorch.Trainer", {"max_epochs": 3, **(trainer or {})}),
            )
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
    assert ("set data.order._target_=railyard.core.training.shuffling.Windowed" in described(**keys)) is warned


@pytest.mark.parametrize(
    ("trainer", "lines"),
    [
        ({"devices": 1}, ["39 of 36 rows; 13 batches an epoch"]),
        ({"devices": 2, "accelerator": "cpu"}, ["18 of 72 rows; 6 batches an epoch", "2 processes of 36 rows"]),
        ({"devices": 2, "accelerator": "cpu", "accumulate_grad_batches": 3}, ["6 of 216 rows; 6 batches an epoch"]),
    ],
)
def test_steps_are_counted_in_the_batches_of_all_ranks(trainer, lines):
    text = described(trainer, validation_fraction=0.2)
    assert all(line in text for line in lines), text
    assert ("processes of" in text) == (trainer["devices"] > 1)


def test_a_batch_of_all_ranks_that_no_epoch_fills_is_refused():
    with pytest.raises(UserError, match=r"data\.batch_size=36 on 20 ranks is larger than the \d+ rows"):
        described({"devices": 20, "accelerator": "cpu"})


def test_value_heads_are_counted_and_said():
    heads = {"p_die": DiesWithin(moves=20), "reach": Reaches(tile=2048)}
    parameters = [
        int(text.split("model      ")[1].split()[0].replace(",", ""))
        for text in (described(), described(value_heads=heads))
    ]
    assert parameters[1] - parameters[0] == 2 * (288 + 1)
    text = described(value_heads=heads)
    assert "value head p_die: the game ends within 20 moves" in text
    assert "learns a constant" not in text


@pytest.mark.parametrize(
    ("outcome", "said"), [(Reaches(tile=4), "yes"), (Reaches(tile=65536), "no"), (DiesWithin(moves=2**30), "yes")]
)
def test_a_head_that_can_only_learn_a_constant_is_warned_of(outcome, said):
    text = described(value_heads={"v": outcome})
    assert f"value head v learns a constant: {outcome.sentence()} is {said} in all rows" in text
