"""The plan of a run with rejection: phases, mixes, lengths of epochs, total steps, every warning, every refusal."""

from pathlib import Path

import numpy as np
import pytest

from railyard.board import plan
from railyard.board.model.config import Encoder
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.rejection import mixes
from railyard.board.training.rejection.config import Rejection
from railyard.board.training.rejection.selecting import Selection
from railyard.core.config.component import Foreign
from railyard.core.errors import UserError
from railyard.core.training.experiment import Experiment

FIXTURES = Path(__file__).parents[3] / "fixtures" / "board"
PACK, LEFT, TOKENIZER = FIXTURES / "03_pack", FIXTURES / "17_pack_left", FIXTURES / "04_tokenizer_v2_8.json"
WRONG = {"dataset": PACK, "annotation": "session", "filter": {"name": "student_wrong_p1"}}
ALL = {"dataset": PACK, "filter": {"name": "passthrough"}}


@pytest.fixture(autouse=True)
def first_rows(monkeypatch):
    """A filter finds the first rows of a pack, as many as its mix is called by: `m120` finds 120."""

    def found(mix, pack, cache_dir=None):
        if mix.annotation is None:
            return Selection(range(len(pack)), len(pack))
        rows = np.arange(int(mix.id[1:]), dtype=np.uint32)
        return Selection(rows, len(pack), "abc", warnings=("a stale cache",) if mix.id == "m1" else ())

    monkeypatch.setattr(mixes, "select", found)


def lines(*phases, trainer=None, **keys):
    data = {"samples_per_epoch": 400, "batch_size": 36, "validation_fraction": 0.2, **keys}
    phases = [{**({"until_epoch": until} if until else {}), "mix": list(mix)} for until, mix in phases]
    rejection = Rejection.model_validate({"phases": phases})
    model = BoardModel(encoder=Encoder(), optimizer=Foreign("torch.optim.AdamW", {"lr": 1e-3}, True))
    experiment = Experiment(
        data=PackData(pack=PACK, tokenizer=TOKENIZER, rejection=rejection, **data),
        model=model,
        objective=MacroxueTokens(),
        trainer=Foreign("lightning.pytorch.Trainer", {"max_epochs": 6, **(trainer or {})}),
    )
    return plan.lines(experiment)


def mix(name="m120", weight=1, **keys):
    return {"id": name, **WRONG, "weight": weight, **keys}


def test_phases_and_mixes_are_told_with_their_rows():
    text = "\n".join(
        lines(
            (2, [mix(weight=3), {"id": "all", **ALL, "weight": 1}]),
            (None, [{"id": "m120", "weight": 1, "upsample": True}, {"id": "all", "weight": 1}]),
        )
    )
    train = 494
    assert "phase      1, epochs 0 to 1: 4 batches an epoch" in text
    assert "phase      2, from epoch 2: 11 batches an epoch" in text
    assert f"mix        all: passthrough matched 100.0 %, 654 of 654 rows of {PACK}, {train} to train on; 80 an" in text
    assert "mix        m120: student_wrong_p1 matched 18.3 %, 120 of 654 rows" in text
    assert "80 to train on; 64 an epoch, 0 repeated, 217 clipped" in text
    assert "80 to train on; 198 an epoch, 118 repeated, 0 clipped" in text
    assert f"steps      {2 * 4 + 4 * 11} of 36 rows" in text


@pytest.mark.parametrize(
    ("phases", "said"),
    [
        (
            [(None, [mix("m0"), {"id": "all", **ALL, "weight": 1}])],
            "phase 1: mix m0 has no rows to train on: its 198 rows",
        ),
        ([(None, [mix("m120")])], "rows for 396 an epoch: the epoch is"),
        ([(None, [mix("m120", upsample=True)])], "rows for 396 an epoch: each is repeated"),
        ([(None, [{"id": "all", **ALL, "weight": 1}])], f"no mix reads annotations of data.pack={PACK}"),
        ([(None, [mix("m1"), {"id": "all", **ALL, "weight": 1}])], "mix m1: a stale cache"),
    ],
)
def test_what_a_user_should_know_is_warned_of(phases, said):
    text = "\n".join(line for line in lines(*phases) if line.startswith("  warning"))
    assert said in text


def test_a_sound_mix_is_not_warned_of():
    text = "\n".join(lines((None, [mix("m654"), {"id": "all", **ALL, "weight": 1}])))
    assert "phase 1: mix" not in text
    assert "no mix reads" not in text


@pytest.mark.parametrize(
    ("phases", "keys", "said"),
    [
        ([(None, [mix("m0")])], {}, "data.rejection: phase 1 has no rows to train on: m0 found none"),
        ([(None, [mix("m654", weight=0.001), mix("m653")])], {}, "mix m654 of phase 1 has a share of 0.396 rows"),
        ([(None, [mix("m20")])], {"batch_size": 100}, "a batch of 100 rows over all ranks is larger than the"),
        ([(None, [mix("m654")])], {"trainer": {"val_check_interval": 12}}, "12 batches are more than the 11 of the"),
        (
            [(None, [mix("m654")])],
            {"trainer": {"limit_train_batches": 0.05}},
            "leaves no batch of the epochs of phase 1",
        ),
        ([(None, [mix("m654", dataset=FIXTURES / "nowhere")])], {}, "data.rejection: mix m654: no pack at"),
    ],
)
def test_what_cannot_be_drawn_is_refused(phases, keys, said):
    with pytest.raises(UserError) as refused:
        lines(*phases, **keys)
    assert said in str(refused.value)


def test_lengths_of_epochs_that_differ_are_told():
    """One row in three epochs more or less: clipped shares follow it."""
    text = "\n".join(lines((None, [mix("m120", weight=1), {"id": "all", **ALL, "weight": 2}]), batch_size=1))
    assert "batches of an epoch: " in text or "batches an epoch" in text


def test_samples_per_epoch_is_by_default_what_the_primary_pack_has_to_train_on():
    text = "\n".join(lines((None, [{"id": "all", **ALL, "weight": 1}]), samples_per_epoch=None))
    assert "phase      1, all epochs: 13 batches an epoch" in text
