"""What a run asks of data and modules that may or may not have it."""

import lightning.pytorch as pl
from tiny import TinyData, TorchData

from railyard.board.training.data import PackDataModule
from railyard.board.training.module import BoardModule
from railyard.core.training.seams import CountsBatches, HasFacts, WritesInit, facts_of, global_batch_of


class Whole:
    global_batch = 8

    def facts(self):
        return {"rows": 3}


def test_what_is_there_is_asked_for():
    assert (facts_of(Whole()), global_batch_of(Whole())) == ({"rows": 3}, 8)


def test_what_is_not_there_is_left_out():
    assert (facts_of(TorchData()), global_batch_of(TorchData())) == ({}, None)
    assert isinstance(TinyData(), CountsBatches)
    assert not isinstance(TorchData(), CountsBatches)
    assert not isinstance(pl.LightningModule(), WritesInit)


def test_the_boards_own_have_all_of_it():
    assert issubclass(PackDataModule, CountsBatches)
    assert issubclass(PackDataModule, HasFacts)
    assert isinstance(PackDataModule.global_batch, property)
    assert issubclass(BoardModule, WritesInit)
