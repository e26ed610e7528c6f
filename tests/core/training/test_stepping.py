"""Micro-batches of optimizer steps that may repeat them: the order, the places, the position in a checkpoint."""

from collections import Counter
from dataclasses import asdict, dataclass
from itertools import islice

import lightning.pytorch as pl
import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.training.loading import BatchOrder
from railyard.core.training.stepping import SteppedLoader

ROWS = 23


class Numbers:
    def __len__(self):
        return ROWS

    def __getitems__(self, positions):
        return positions.tolist()


@dataclass(frozen=True)
class Part:
    first_step: int
    next_step: int
    epoch: int
    start: int
    stop: int


@dataclass(frozen=True)
class Repeating:
    """Each stretch is used for `uses` steps, but a short one at the end of the data once."""

    per_epoch: int
    per_step: int
    uses: int = 1

    def begin(self, step, epoch):
        return self._part(step, epoch, 0)

    def following(self, part):
        if part.stop == self.per_epoch:
            return self._part(part.next_step, part.epoch + 1, 0)
        return self._part(part.next_step, part.epoch, part.stop)

    def restored(self, values, step):
        part = Part(**values)
        return part if step > part.first_step else self._part(step, part.epoch, part.start)

    def _part(self, step, epoch, start):
        stop = min(start + self.per_step, self.per_epoch)
        return Part(step, step + (self.uses if stop - start == self.per_step else 1), epoch, start, stop)


def loader_of(per_step, uses=1, batch_size=3, steps=4, **keys):
    order = BatchOrder(ROWS, batch_size, drop_last=False, **keys)
    return SteppedLoader(Numbers(), order, plan=Repeating(len(order), per_step, uses), steps=steps)


def test_the_stream_repeats_stretches_and_goes_on_over_epochs_of_the_data():
    loader = loader_of(2, uses=3, batch_size=5, shuffle=False)  # 5 batches
    batches = [[*range(start, min(start + 5, ROWS))] for start in range(0, ROWS, 5)]
    one_epoch = [batches[i] for i in (0, 1, 0, 1, 0, 1, 2, 3, 2, 3, 2, 3, 4)]
    found = [micro.batch for micro in islice(loader, 2 * 14)]
    assert found == 2 * [*one_epoch, None]
    assert len(loader) == 4 * 2


def test_each_micro_batch_comes_with_its_whole_step():
    for micro in islice(loader_of(3, uses=2), 40):
        assert (micro.step, micro.index) == divmod(micro.index + 3 * micro.step, 3)
        assert micro.stretch.first_step <= micro.step < micro.stretch.next_step
        assert len(micro.batches) == len(micro.places) == micro.stretch.stop - micro.stretch.start
        assert micro.rows == len(micro.batch or [])


def test_a_step_that_repeats_has_the_same_batches_which_are_read_once():
    asked = Counter()

    class Asked(Numbers):
        def __getitems__(self, positions):
            asked[tuple(positions)] += 1
            return super().__getitems__(positions)

    order = BatchOrder(ROWS, 4, drop_last=True)
    loader = SteppedLoader(Asked(), order, plan=Repeating(len(order), 5, 4), steps=4, prefetch=1)
    first, *others = islice(loader, 20)
    assert all(micro.batches is first.batches for micro in others)
    assert set(asked.values()) == {1}


@pytest.mark.parametrize("world", [1, 2, 3])
def test_places_number_the_rows_of_a_step_over_all_ranks(world):
    ranks = [list(islice(loader_of(2, batch_size=6 // world, rank=rank, world_size=world), 8)) for rank in range(world)]
    whole = list(islice(loader_of(2, batch_size=6), 8))
    for step in range(4):
        rows = {}
        for micros in ranks:
            micro = micros[2 * step]
            for place, batch in zip(micro.places, micro.batches, strict=True):
                rows |= {place + i: row for i, row in enumerate(batch)}
        assert [rows[i] for i in range(len(rows))] == [row for batch in whole[2 * step].batches for row in batch]


@given(st.integers(1, 4), st.integers(1, 3), st.integers(0, 12))
def test_a_resumed_loader_goes_on_with_the_step_after_the_last_whole_one(per_step, uses, taken):
    loader = loader_of(per_step, uses)
    seen = iter(loader)
    for _ in range(taken):
        next(seen)
    resumed = loader_of(per_step, uses)
    resumed.load_state_dict(loader.state_dict())
    done = taken // per_step * per_step
    expected = islice(loader_of(per_step, uses), done, done + 9)
    assert [*islice(resumed, 9)] == [*expected]
    seen.close()


def test_a_stretch_that_was_begun_goes_on_under_another_plan():
    loader = loader_of(2, uses=3)
    micros = iter(loader)
    for _ in range(2):
        next(micros)
    micros.close()
    other = loader_of(2, uses=1)
    other.load_state_dict(loader.state_dict())
    steps = [(micro.step, micro.stretch.start) for micro in islice(other, 0, 10, 2)]
    assert steps == [(1, 0), (2, 0), (3, 2), (4, 4), (5, 6)]


def test_a_stretch_that_only_begins_is_planned_anew():
    state = loader_of(2, uses=3).state_dict()
    other = loader_of(2, uses=1)
    other.load_state_dict(state)
    assert [micro.step for micro in islice(other, 0, 6, 2) if micro.stretch.start == 0] == [0]


def test_other_batches_begin_with_the_next_epoch_of_the_data():
    loader = loader_of(2)
    next(iter(loader))
    other = loader_of(4)
    other.load_state_dict({**loader.state_dict(), "step": 5})
    micro = next(iter(other))
    assert (micro.step, asdict(micro.stretch)["epoch"], micro.stretch.start) == (5, 1, 0)


class Following(pl.LightningModule):
    def __init__(self):
        super().__init__()
        self.weight = torch.nn.Parameter(torch.zeros(()))
        self.seen = []

    def transfer_batch_to_device(self, batch, device, index):
        return batch

    def training_step(self, micro, index):
        self.seen.append((self.trainer.current_epoch, self.global_step, micro.step, micro.index))
        return self.weight * 0.0

    def configure_optimizers(self):
        return torch.optim.SGD(self.parameters(), lr=0.1)


@pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")
@pytest.mark.parametrize("limit", [None, 6])
def test_the_trainers_steps_are_those_of_the_loader(limit):
    module = Following()
    trainer = pl.Trainer(
        accelerator="cpu",
        max_epochs=3,
        accumulate_grad_batches=2,
        limit_train_batches=limit,
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
    )
    trainer.fit(module, loader_of(2, uses=3, batch_size=5))
    steps = 12 if limit is None else 9
    assert [(step, loader_step, index) for _, step, loader_step, index in module.seen] == [
        (step, step, index) for step in range(steps) for index in range(2)
    ]


def test_worker_processes_give_the_same_steps():
    found = loader_of(2, uses=2)
    found.workers = 1
    micros = iter(found)
    assert [*islice(micros, 10)] == [*islice(loader_of(2, uses=2), 10)]
    micros.close()
