"""Batches against the order computed in one go; positions, threads, worker processes, errors."""

import multiprocessing
import os
import signal
import threading
from dataclasses import dataclass, field
from itertools import islice

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.core.store.order import Permutation, WindowedOrder, mix
from railyard.core.training.loading import BatchOrder, OrderedLoader


@dataclass
class Numbers:
    """A source whose rows are their own positions."""

    rows: int
    asked: list = field(default_factory=list)

    def __len__(self):
        return self.rows

    def __getitems__(self, positions):
        self.asked.append(positions.tolist())
        return positions.tolist()


class Ahead(Numbers):
    """A source that says when so many batches were read: the reader is a thread."""

    def __init__(self, rows, batches):
        super().__init__(rows)
        self.batches, self.reached = batches, threading.Event()

    def __getitems__(self, positions):
        found = super().__getitems__(positions)
        if len(self.asked) == self.batches:
            self.reached.set()
        return found


class Broken(Numbers):
    def __getitems__(self, positions):
        raise UserError("steps-00000.npy is damaged")


def windowed(rows, key):
    return WindowedOrder(rows, key, 3, 2)


class Told(Numbers):
    """A source that hears of its positions before they are asked for."""

    def announce(self, ranges):
        self.__dict__.setdefault("announced", set()).update(p for start, stop in ranges for p in range(start, stop))

    def release(self, ranges):
        pass

    def __getitems__(self, positions):
        assert self.announced.issuperset(positions.tolist())
        return super().__getitems__(positions)


def loader(rows, batch_size, epoch=0, batch=0, workers=0, source=None, **keys):
    order = BatchOrder(rows, batch_size, **keys)
    return OrderedLoader(source or Numbers(rows), order, workers, 2, epoch, batch)


sizes = st.tuples(st.integers(1, 60), st.integers(1, 20))


orders = st.sampled_from([Permutation, windowed])


@given(sizes, st.integers(0, 5), st.integers(0, 3), orders)
@settings(max_examples=60, deadline=None)
def test_an_epoch_reads_its_order_in_batches(size, seed, epoch, shuffled):
    rows, batch_size = size
    reading = loader(rows, batch_size, epoch, seed=seed, drop_last=False, shuffled=shuffled, source=Told(rows))
    reading.source.announced = set(range(rows)) if shuffled is Permutation else set()
    found = [row for batch in reading for row in batch]
    assert found == shuffled(rows, mix(seed, epoch)).take(0, rows).tolist()


@given(sizes, st.booleans())
@settings(max_examples=60, deadline=None)
def test_every_position_comes_once_an_epoch(size, shuffle):
    rows, batch_size = size
    batches = list(loader(rows, batch_size, shuffle=shuffle, drop_last=False))
    assert sorted(row for batch in batches for row in batch) == list(range(rows))


def test_without_shuffling_rows_come_in_their_own_order():
    assert list(loader(7, 3, shuffle=False, drop_last=False)) == [[0, 1, 2], [3, 4, 5], [6]]


def test_an_incomplete_last_batch_is_dropped_where_wanted():
    assert list(loader(7, 3, shuffle=False)) == [[0, 1, 2], [3, 4, 5]]


def test_every_epoch_has_another_order():
    numbers = loader(50, 10)
    first, second, third = ([row for batch in numbers for row in batch] for _ in range(3))
    assert first != second != third != first
    assert sorted(first) == sorted(second) == sorted(third)


@given(sizes, st.integers(0, 3), orders, st.data())
@settings(max_examples=60, deadline=None)
def test_a_resumed_loader_gives_the_same_tail(size, epoch, shuffled, data):
    rows, batch_size = size
    whole = list(loader(rows, batch_size, epoch, drop_last=False, shuffled=shuffled))
    batch = data.draw(st.integers(0, len(whole) - 1))
    resumed = loader(rows, batch_size, drop_last=False, shuffled=shuffled)
    resumed.load_state_dict({"epoch": epoch, "batch": batch})
    assert list(resumed) == whole[batch:]


@given(sizes, st.data())
@settings(max_examples=60, deadline=None)
def test_the_state_names_the_next_batch(size, data):
    rows, batch_size = size
    running = loader(rows, batch_size, drop_last=False)
    taken = data.draw(st.integers(0, 2 * len(running)))
    forever = (batch for _ in range(4) for batch in running)
    consumed = list(islice(forever, taken))
    resumed = loader(rows, batch_size, drop_last=False)
    resumed.load_state_dict(running.state_dict())
    assert len(consumed) == taken
    assert next(iter(resumed)) == next(forever)


def test_the_state_does_not_run_ahead_with_the_reading():
    running = loader(40, 4, source=Ahead(40, 3))
    batches = iter(running)
    next(batches)
    assert running.source.reached.wait(60), "nothing is read ahead"
    assert running.state_dict() == {"epoch": 0, "batch": 1}


def test_a_new_epoch_begins_at_its_first_batch_although_the_last_one_was_cut():
    running = loader(40, 4)
    list(islice(running, 3))
    running.load_state_dict(running.state_dict())  # as after a resume at the end of an epoch of three batches
    running.set_epoch(1)
    assert list(running) == list(loader(40, 4, epoch=1))


def test_being_told_the_epoch_it_is_in_changes_nothing():
    running = loader(40, 4)
    running.load_state_dict({"epoch": 2, "batch": 5})
    running.set_epoch(2)
    assert list(running) == list(loader(40, 4, epoch=2))[5:]


@pytest.mark.parametrize("workers", [1, 2])
@pytest.mark.parametrize("shuffled", [Permutation, windowed])
def test_worker_processes_give_the_same_batches(workers, shuffled):
    by_thread = list(loader(50, 7, epoch=1, batch=2, shuffled=shuffled))
    assert list(loader(50, 7, epoch=1, batch=2, workers=workers, shuffled=shuffled)) == by_thread


@pytest.mark.parametrize("workers", [0, 1])
def test_a_source_hears_of_its_rows_once(workers):
    told = []

    class Counted(Numbers):
        def announce(self, ranges):
            told.extend(p for start, stop in ranges for p in range(start, stop))

        def release(self, ranges):
            pass

    list(loader(50, 7, workers=workers, shuffled=windowed, drop_last=False, source=Counted(50)))
    assert sorted(told) == list(range(50))


def readers():
    return [thread for thread in threading.enumerate() if thread.name.startswith(("read-ahead", "announce"))]


def test_an_abandoned_iterator_ends_its_thread():
    batches = iter(loader(1000, 2, shuffled=windowed, source=Told(1000)))
    next(batches)
    assert len(readers()) == 2
    del batches
    assert not readers()


@pytest.mark.parametrize("workers", [0, 1])
def test_an_error_of_the_source_reaches_the_caller_with_its_own_sentence(workers):
    with pytest.raises(UserError, match=r"^steps-00000\.npy is damaged$"):
        list(loader(9, 3, workers=workers, source=Broken(9)))
    assert not readers()


def test_a_failing_worker_names_the_cause():
    class Defect(Numbers):
        def __getitems__(self, positions):
            raise KeyError("a defect")

    with pytest.raises(KeyError, match="a defect") as kept:
        list(loader(9, 3, workers=1, source=Defect(9)))
    assert not multiprocessing.active_children(), f"{kept} keeps them, and Python would wait for them at its end"


@given(st.integers(1, 80), st.integers(1, 8), st.integers(1, 4), st.booleans(), orders)
@settings(max_examples=60, deadline=None)
def test_rank_slices_tile_the_global_batch(rows, batch_size, ranks, shuffle, shuffled):
    whole = BatchOrder(rows, batch_size * ranks, shuffle=shuffle, drop_last=False, shuffled=shuffled)
    slices = [BatchOrder(rows, batch_size, 0, shuffle, False, rank, ranks, shuffled) for rank in range(ranks)]
    for batch in range(len(whole)):
        parts = [order.positions(1, batch) for order in slices]
        np.testing.assert_array_equal(np.concatenate(parts), whole.positions(1, batch))
        assert max(map(len, parts)) - min(map(len, parts)) <= 1
    assert {len(order) for order in slices} == {len(whole)}


def test_reading_ahead_is_bounded():
    """Before the reader's thread gets to them: what it has been given to read."""
    given = []

    class Given(BatchOrder):
        def positions(self, epoch, batch):
            given.append(batch)
            return super().positions(epoch, batch)

    running = OrderedLoader(Numbers(1000), Given(1000, 1), prefetch=2)
    batches = iter(running)
    for taken in range(3):
        next(batches)
        assert given == [*range(taken + running.prefetch + 1)]


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_workers_outlive_a_signal_to_the_whole_job(number):
    """The parent saves first, and needs its batches for that."""
    batches = iter(loader(60, 2, workers=2))
    found = [next(batches)]
    for worker in multiprocessing.active_children():
        os.kill(worker.pid, number)
    assert found + list(batches) == list(loader(60, 2))
    assert not multiprocessing.active_children()
