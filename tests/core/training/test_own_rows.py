"""A data set of the user's own in Railyard's order."""

import logging

import pytest
import tiny
import torch
from torch.utils.data import DataLoader

import railyard
from railyard.core.config.component import Foreign
from railyard.core.training.checkpoint import load
from railyard.core.training.own_rows import inexact

NUMBERS = torch.arange(tiny.ROWS).float()[:, None] / tiny.ROWS


class Squares:
    """A plain map-style data set of pairs."""

    def __len__(self):
        return 7

    def __getitem__(self, number):
        return float(number), {"square": number**2}


class Together(Squares):
    def __getitems__(self, numbers):
        return [number * 10 for number in numbers]


def test_batches_are_collated_and_every_row_comes_once():
    found = list(railyard.loader(Squares(), 3, drop_last=False, seed=5))
    assert [len(numbers) for numbers, _ in found] == [3, 3, 1]
    assert sorted(torch.cat([numbers for numbers, _ in found]).tolist()) == list(range(7))
    assert all((pair["square"] == numbers**2).all() for numbers, pair in found)
    assert [len(numbers) for numbers, _ in railyard.loader(Squares(), 3)] == [3, 3]
    (first, *_), last = (batch[0].tolist() for batch in railyard.loader(Squares(), 6, shuffle=False))
    assert (first, last) == (0, [6])


def test_rows_that_can_be_asked_for_together_are(tmp_path):
    assert list(railyard.loader(Together(), 7, shuffle=False, collate=list)) == [[0, 10, 20, 30, 40, 50, 60]]


def test_a_position_is_gone_on_from():
    whole, part = railyard.loader(Squares(), 2, seed=1), railyard.loader(Squares(), 2, seed=1)
    batches = [batch[0].tolist() for batch in whole]
    iterator = iter(part)
    next(iterator)
    later = railyard.loader(Squares(), 2, seed=1)
    later.load_state_dict(part.state_dict())
    assert [batch[0].tolist() for batch in later] == batches[1:]
    assert [batch[0].tolist() for batch in whole] != batches, "another epoch, another order"


def test_what_cannot_say_where_it_is():
    plain, own = DataLoader(NUMBERS, 2), railyard.loader(NUMBERS, 2)
    assert list(inexact(plain)) == ["DataLoader"]
    assert list(inexact({"a": [own, plain], "b": own})) == ["DataLoader"]
    assert list(inexact(own)) == []


class Shuffled(tiny.TinyData):
    """What users write first."""

    def train_dataloader(self):
        return DataLoader(NUMBERS, batch_size=2, shuffle=True, drop_last=True)


class Ordered(tiny.TinyData):
    def train_dataloader(self):
        return railyard.loader(NUMBERS, 2)


@pytest.fixture
def own(monkeypatch):
    monkeypatch.setattr(tiny, "Shuffled", Shuffled, raising=False)
    monkeypatch.setattr(tiny, "Ordered", Ordered, raising=False)


@pytest.mark.filterwarnings("ignore:You're resuming from a checkpoint")
@pytest.mark.parametrize("name", ["Shuffled", "Ordered"])
def test_a_run_stopped_inside_an_epoch(name, own, tmp_path, caplog):
    data = Foreign(f"tiny.{name}", {})
    whole, stopped = tmp_path / "whole", tmp_path / "stopped"
    with caplog.at_level(logging.WARNING):
        tiny.train(whole, data=data)
    said = "the data is read by DataLoader, which cannot say where in an epoch it is"
    assert (said in caplog.text) == (name == "Shuffled")
    tiny.train(stopped, {"max_steps": 4, "max_epochs": 2}, data=data)
    tiny.train(stopped, data=data, resumed=True)
    first, second = (load(folder / "checkpoints" / "last.ckpt")["state_dict"] for folder in (whole, stopped))
    same = all(torch.equal(first[key], second[key]) for key in first)
    assert same == (name == "Ordered")
