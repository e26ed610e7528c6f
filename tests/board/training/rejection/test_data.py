"""Batches of mixes of two packs: rows of training runs alone, each decoded as its own pack says, for any ranks."""

import copy
import json
import shutil
from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch

from railyard.board.packs.pack import Pack
from railyard.board.tokens.registry import load_labels
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.batch import Batch
from railyard.board.training.collate import Collate
from railyard.board.training.config import PackData
from railyard.board.training.outcomes import DiesWithin
from railyard.board.training.rejection import mixes
from railyard.board.training.rejection.config import Rejection
from railyard.board.training.rejection.selecting import Selection
from railyard.core.errors import UserError
from railyard.core.store import paging
from railyard.core.training.fit import refuse_other_data
from railyard.core.training.shuffling import Windowed

FIXTURES = Path(__file__).parents[3] / "fixtures" / "board"
PACK, LEFT, TOKENIZER = FIXTURES / "03_pack", FIXTURES / "17_pack_left", FIXTURES / "04_tokenizer_v2_8.json"
ALL = {"filter": {"name": "passthrough"}}
PHASES = [
    {
        "until_epoch": 2,
        "mix": [
            {"id": "odd", "dataset": PACK, "annotation": "x", "filter": {"name": "student_wrong_p1"}, "weight": 0.6},
            {"id": "all", "dataset": PACK, **ALL, "weight": 0.3},
            {"id": "left", "dataset": LEFT, **ALL, "weight": 0.1, "upsample": True},
        ],
    },
    {"mix": [{"id": "odd", "weight": 0.5}, {"id": "all", "weight": 0.5}]},
]


@pytest.fixture(autouse=True)
def odd_rows(monkeypatch):
    """Every filter but passthrough finds the rows of odd numbers."""

    def found(mix, pack, cache_dir=None):
        if mix.annotation is None:
            return Selection(range(len(pack)), len(pack))
        return Selection(np.arange(1, len(pack), 2, dtype=np.uint32), len(pack), session="abc")

    monkeypatch.setattr(mixes, "select", found)


def module(rank=0, ranks=1, batch=40, phases=PHASES, **keys):
    knobs = {"batch_size": batch // ranks, "validation_fraction": 0.2, "samples_per_epoch": 400, **keys}
    rejection = Rejection.model_validate({"phases": phases, "seed": 5})
    data = PackData(pack=PACK, tokenizer=TOKENIZER, rejection=rejection, **knobs).build()
    data.trainer = SimpleNamespace(global_rank=rank, world_size=ranks)
    return data


def asked(data, epoch=0):
    """Mixes and rows of their packs of each batch."""
    loader = data.train_dataloader()
    for batch in range(loader.order.batches(epoch)):
        positions = loader.order.positions(epoch, batch)
        _, mixes, of_mix = positions
        rows = np.empty_like(of_mix)
        for number, one in enumerate(data.mixes.mixes):
            rows[mixes == number] = one.rows.rows(of_mix[mixes == number])
        yield positions, rows


@pytest.mark.parametrize("epoch", [0, 2])
def test_mixes_have_rows_of_training_runs_alone(epoch):
    data = module()
    packs = {0: (data.pack, data.split.train), 1: (data.pack, data.split.train)}
    left = Pack.open(LEFT)
    packs[2] = left, data.mixes.mixes[2].rows
    for positions, rows in asked(data, epoch):
        for number in set(positions[1].tolist()):
            own = rows[positions[1] == number]
            if number == 2:
                assert set(own) <= set(packs[2][1].rows(np.arange(len(packs[2][1]))).tolist())
                continue
            runs = np.searchsorted(data.pack.runs.starts, own, side="right") - 1
            assert set(runs) <= set(data.split.train.tolist())
            assert number != 0 or (own % 2 == 1).all()


def test_no_row_of_a_validation_run_is_ever_trained_on():
    data = module()
    held_out = data.rows("validation")
    validation = set(held_out.global_rows(np.arange(len(held_out))).tolist())
    for epoch in range(3):
        for positions, rows in asked(data, epoch):
            assert not validation & set(rows[positions[1] < 2].tolist())


def test_batches_hold_what_each_pack_says_of_its_rows():
    data = module(augmentation=Augmentation(rotations=True))
    plain = module()
    labels = load_labels(TOKENIZER)
    loader, turned = plain.train_dataloader(), data.train_dataloader()
    for batch, of_turned, (positions, rows) in zip(loader, turned, asked(plain), strict=True):
        assert batch.mix.tolist() == positions[1].tolist()
        for number, one in enumerate(plain.mixes.mixes):
            own = positions[1] == number
            wanted = Collate([one.pack], labels)(rows[own])
            for name in Batch._fields:
                if name != "mix":
                    found = getattr(batch, name).numpy()[own]
                    np.testing.assert_array_equal(found, getattr(wanted, name), err_msg=name)
        assert torch.equal(of_turned.mix, batch.mix)
        assert torch.equal(of_turned.valuation, batch.valuation)
        assert not torch.equal(of_turned.tokens, batch.tokens)


def test_value_heads_learn_from_the_runs_of_each_pack():
    data = module()
    data.outcomes = {"p_die": DiesWithin(moves=20)}
    labels = load_labels(TOKENIZER)
    for batch, (positions, rows) in zip(data.train_dataloader(), asked(data), strict=True):
        for number, one in enumerate(data.mixes.mixes):
            own = positions[1] == number
            wanted = Collate([one.pack], labels, data.outcomes)(rows[own])
            np.testing.assert_array_equal(batch.values.numpy()[own], wanted.values)


@pytest.mark.parametrize("workers", [0, 2])
def test_ranks_and_workers_share_the_batches_of_one(workers):
    keys = {"augmentation": Augmentation(rotations=True, flips=True)}
    whole = module(**keys)
    parts = [[*module(rank, 2, workers=workers, **keys).train_dataloader()] for rank in range(2)]
    orders = [one.train_order() for one in (module(0, 2, **keys), module(1, 2, **keys), whole)]
    for index, batch in enumerate(whole.train_dataloader()):
        *of_ranks, of_whole = (torch.from_numpy(order.positions(0, index)[0]) for order in orders)
        shared, alone = torch.cat(of_ranks).argsort(), of_whole.argsort()  # each mix by mix
        for field, values in enumerate(batch):
            assert torch.equal(torch.cat([part[index][field] for part in parts])[shared], values[alone])


def test_without_shuffling_every_epoch_of_a_phase_begins_with_the_first_rows_of_each_mix():
    data = module(shuffle=False)
    first, second = (next(asked(data, epoch)) for epoch in (0, 1))
    np.testing.assert_array_equal(first[1], second[1])
    for number in set(first[0][1].tolist()):
        of_mix = first[0][2][first[0][1] == number]
        assert of_mix.tolist() == [place % len(data.mixes.mixes[number].rows) for place in range(len(of_mix))]


def test_a_resumed_loader_keeps_its_place():
    data = module()
    whole = list(data.train_dataloader())
    started = data.train_dataloader()
    batches = iter(started)
    list(islice(batches, 4))
    resumed = data.train_dataloader()
    resumed.load_state_dict(started.state_dict())
    for found, expected in zip(resumed, whole[4:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize("workers", [0, 2])
def test_windows_are_within_each_mix(workers, monkeypatch):
    told = []
    monkeypatch.setattr(paging, "announce", lambda shards, ranges: told.append((shards, ranges)))
    order = Windowed(block_rows=8, window_blocks=2)
    data = module(order=order, workers=workers)
    batches = [*data.train_dataloader()]
    reference = [*module(order=order).train_dataloader()]
    assert all(torch.equal(a, b) for x, y in zip(batches, reference, strict=True) for a, b in zip(x, y, strict=True))
    announced = {
        (id(shards), row) for shards, ranges in told for first, stop in ranges.tolist() for row in range(first, stop)
    }
    packs = [one.pack.rows for one in data.mixes.mixes]
    for positions, rows in asked(data):
        assert {
            (id(packs[mix]), row) for mix, row in zip(positions[1].tolist(), rows.tolist(), strict=True)
        } <= announced


def test_lengths_counts_and_lines_follow_from_the_order():
    data = module()
    assert [data.epoch_batches(epoch) for epoch in (0, 1, 2)] == [10, 10, 10]
    assert data.mix_counts(0, 3) == {"odd": 24, "all": 12, "left": 4}
    assert data.mix_counts(2, 3) == {"odd": 20, "all": 20}
    first, second, third = data.epoch_lines(0, 10)
    assert first == "epoch 0: odd: 240 drawn, 240 unique, 0 repeated, 0 clipped; student_wrong_p1 matched 50.0 %"
    assert second.startswith("epoch 0: all: 120 drawn, 120 unique")
    assert third == "epoch 0: left: 40 drawn, 3 unique, 37 repeated, 0 clipped; passthrough matched 100.0 %"
    assert data.epoch_lines(0, 5)[0].startswith("epoch 0: odd: 120 drawn")


def test_validation_is_that_of_the_primary_pack():
    data = module()
    assert len(data.rows("validation")) == 160
    batch = next(iter(data.val_dataloader()))
    assert set(batch.mix.tolist()) == {0}


def test_the_provenance_names_sessions_filters_and_counts():
    facts = module().facts()
    assert facts["samples_per_epoch"] == 400
    odd = facts["mixes"]["odd"]
    assert (odd["session"], odd["filter"], odd["matched"]) == ("abc", {"name": "student_wrong_p1", "params": {}}, 327)
    assert facts["mixes"]["left"]["pack_fingerprint"] == Pack.open(LEFT).fingerprint()


def test_what_a_mix_is_made_of_may_not_change():
    facts = json.loads(json.dumps(module().facts()))
    refuse_other_data({"data": facts}, module().facts(), Path("run"))
    changed = copy.deepcopy(facts)
    changed["mixes"]["odd"]["session"] = "another"
    with pytest.raises(UserError, match=r"the data of run has changed: mixes was"):
        refuse_other_data({"data": facts}, changed, Path("run"))


def test_evaluation_opens_no_session(monkeypatch):
    monkeypatch.setattr(mixes, "select", None)
    assert len(module().sequential("validation", 50)) == 4


def test_a_tokenizer_that_does_not_fit_a_pack_is_refused(tmp_path):
    strange = shutil.copytree(LEFT, tmp_path / "strange")
    names = (strange / "valuation_types.json").read_text()
    (strange / "valuation_types.json").chmod(0o644)
    (strange / "valuation_types.json").write_text(names.replace('"search"', '"unheard_of"'))
    phases = [{"mix": [{"id": "strange", "dataset": strange, **ALL, "weight": 1}]}]
    with pytest.raises(UserError, match=r"data\.tokenizer: it was not fitted on .*'unheard_of'.* of mix strange"):
        module(phases=phases).train_dataloader()
