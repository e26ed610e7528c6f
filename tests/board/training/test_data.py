"""Batches of packs: splits that never mix, an order for each epoch, capped validation, a place that is kept."""

from itertools import islice
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from pydantic import ValidationError

from railyard.board.training.augmentation import Augmentation
from railyard.board.training.config import PackData
from railyard.core.store import paging
from railyard.core.training.shuffling import Windowed

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"


def module(**keys):
    knobs = {"batch_size": 36, "validation_batch_size": 50, "validation_fraction": 0.2, **keys}
    return PackData(pack=FIXTURES / "03_pack", tokenizer=FIXTURES / "04_tokenizer_v2_8.json", **knobs).build()


def rows_read(data, loader, epoch=0, batches=None):
    """Global rows that an epoch of this loader reads."""
    count = len(loader) if batches is None else batches
    positions = [loader.order.positions(epoch, batch) for batch in range(count)]
    return [loader.source.global_rows(part).tolist() for part in positions]


def runs_of(data, batches):
    ids = data.pack.rows.gather(np.concatenate(batches).astype(np.int64))["run_id"]
    return set(ids.tolist())


def test_splits_never_mix():
    data = module()
    trained = runs_of(data, rows_read(data, data.train_dataloader()))
    held_out = runs_of(data, rows_read(data, data.val_dataloader()))
    assert trained
    assert held_out
    assert not trained & held_out
    assert trained | held_out == set(data.pack.runs.id.tolist())


def test_every_epoch_has_another_order_of_the_same_rows():
    data = module()
    loader = data.train_dataloader()
    first, second = (rows_read(data, loader, epoch) for epoch in (0, 1))
    assert first != second
    whole = module(batch_size=1)
    everything = [sorted(map(tuple, rows_read(whole, whole.train_dataloader(), epoch))) for epoch in (0, 1)]
    assert everything[0] == everything[1]


def test_validation_comes_in_its_own_order_each_time():
    data = module()
    loader = data.val_dataloader()
    batches = rows_read(data, loader)
    assert batches == rows_read(data, loader, epoch=3)
    assert [row for batch in batches for row in batch] == sorted(row for batch in batches for row in batch)


def test_capped_validation_reads_held_out_runs_only():
    data = module()
    capped = runs_of(data, rows_read(data, data.val_dataloader(), batches=1))
    held_out = set(data.pack.runs.id[data.split.validation].tolist())
    assert capped <= held_out


def test_a_resumed_loader_keeps_its_place():
    data = module()
    whole = list(data.train_dataloader())
    started = data.train_dataloader()
    batches = iter(started)
    list(islice(batches, 5))
    resumed = data.train_dataloader()
    resumed.load_state_dict(started.state_dict())
    for found, expected in zip(resumed, whole[5:], strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


@pytest.mark.parametrize(("batch_size", "batches"), [(36, 13), (494, 1), (500, 0)])
def test_an_epoch_has_whole_batches_only(batch_size, batches):
    assert module(batch_size=batch_size).train_batches() == batches


def test_the_order_follows_its_seed():
    first, same, other = (
        rows_read(data, data.train_dataloader()) for data in (module(), module(), module(order_seed=1))
    )
    assert first == same != other


def test_windows_read_every_row_once_in_the_order_of_its_seed():
    windowed = Windowed(block_rows=16, window_blocks=4)
    by_windows, everywhere = (module(batch_size=1, order=order) for order in (windowed, None))
    found = rows_read(by_windows, by_windows.train_dataloader())
    assert found != rows_read(everywhere, everywhere.train_dataloader())
    assert sorted(found) == sorted(rows_read(everywhere, everywhere.train_dataloader()))


def test_windows_hold_the_rows_of_their_batches(monkeypatch):
    told = []
    monkeypatch.setattr(paging, "announce", lambda shards, ranges: told.append(ranges))
    data = module(order=Windowed(block_rows=16, window_blocks=4))
    assert len(list(data.train_dataloader())) == data.train_batches()
    announced = {row for ranges in told for first, stop in ranges.tolist() for row in range(first, stop)}
    assert announced >= {row for batch in rows_read(data, data.train_dataloader()) for row in batch}


@pytest.mark.parametrize("epoch", [0, 1])
def test_worker_processes_read_windows_alike(epoch):
    loaders = [module(order=Windowed(block_rows=16, window_blocks=4), workers=n).train_dataloader() for n in (0, 2)]
    for loader in loaders:
        loader.set_epoch(epoch)
    for found, expected in zip(*loaders, strict=True):
        assert all(torch.equal(a, b) for a, b in zip(found, expected, strict=True))


def test_an_order_without_shuffling_is_refused():
    with pytest.raises(ValidationError, match=r"data\.shuffle=false"):
        module(order=Windowed(), shuffle=False)


def test_the_provenance_names_what_was_read():
    facts = module().facts()
    assert facts["rows"] == facts["train_rows"] + facts["validation_rows"] == 654
    assert len(facts["validation_runs"]) == 2
    assert facts["pack_fingerprint"] != facts["tokenizer_fingerprint"]


def of_ranks(number, rows, **keys):
    """The data of each of some ranks that share batches of `rows` rows."""
    found = []
    for rank in range(number):
        data = module(batch_size=rows // number, validation_batch_size=rows // number, **keys)
        data.trainer = SimpleNamespace(global_rank=rank, world_size=number)
        found.append(data)
    return found


@pytest.mark.parametrize("ranks", [2, 3])
def test_ranks_share_the_batches_of_one(ranks):
    """Rows, labels and turns of a global batch are those of one rank that takes it whole."""
    augmentation = Augmentation(rotations=True, flips=True)
    (whole,) = of_ranks(1, 36, augmentation=augmentation)
    parts = of_ranks(ranks, 36, augmentation=augmentation)
    assert {part.global_batch for part in parts} == {36}
    loaders = [[*part.train_dataloader()] for part in parts]
    for index, batch in enumerate(whole.train_dataloader()):
        for field, values in enumerate(batch):
            assert torch.equal(torch.cat([loader[index][field] for loader in loaders]), values)


def test_ranks_validate_every_row_once():
    parts = of_ranks(3, 33)
    read = [rows_read(part, part.val_dataloader()) for part in parts]
    assert len({len(batches) for batches in read}) == 1
    (whole,) = of_ranks(1, 33)
    everything = [row for batch in rows_read(whole, whole.val_dataloader()) for row in batch]
    assert sorted(row for batches in read for batch in batches for row in batch) == everything
