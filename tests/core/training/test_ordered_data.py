"""Lengths, ranks and sequential reading of data with a computed order."""

from types import SimpleNamespace

from railyard.core.training.loading import BatchOrder
from railyard.core.training.ordered_data import OrderedData


class Numbers:
    def __len__(self):
        return 10

    def __getitems__(self, positions):
        return positions.tolist()


class Ordered(OrderedData):
    knobs = SimpleNamespace(batch_size=2)

    def train_order(self):
        rank, world = self.place()
        return BatchOrder(10, self.knobs.batch_size, rank=rank, world_size=world)


def of_rank(rank, world):
    data = Ordered()
    data.trainer = SimpleNamespace(global_rank=rank, world_size=world)
    return data


def test_batches_are_those_of_all_ranks():
    assert (Ordered().train_batches(), Ordered().global_batch, Ordered().place()) == (5, 2, (0, 1))
    assert (of_rank(1, 2).epoch_batches(3), of_rank(1, 2).global_batch) == (2, 4)


def test_ranks_read_all_rows_once():
    read = [row for rank in range(3) for batch in of_rank(rank, 3).once(Numbers(), 2) for row in batch]
    assert sorted(read) == list(range(10))
    assert [row for batch in Ordered().once(Numbers(), 4) for row in batch] == list(range(10))
