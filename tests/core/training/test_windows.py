"""One window in use, one announced, those behind released; whatever the batches' size."""

from dataclasses import dataclass, field
from itertools import pairwise

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray

from railyard.core.store.order import Permutation, WindowedOrder
from railyard.core.training.windows import reading_ahead

Ranges = NDArray[np.int64]


def rows_of(ranges: Ranges) -> set[int]:
    return {row for first, stop in ranges.tolist() for row in range(first, stop)}


@dataclass
class Told:
    """A source that remembers what it was told."""

    held: set[int] = field(default_factory=set)
    most: int = 0

    def announce(self, ranges: Ranges) -> None:
        self.held |= rows_of(ranges)
        self.most = max(self.most, len(self.held))

    def release(self, ranges: Ranges) -> None:
        self.held -= rows_of(ranges)


@settings(deadline=None, max_examples=60)
@given(st.integers(1, 200), st.integers(1, 10), st.integers(1, 5), st.integers(1, 90), st.data())
def test_rows_are_announced_before_their_batch(
    rows: int, block_rows: int, window_blocks: int, batch: int, data: st.DataObject
) -> None:
    order, told = WindowedOrder(rows, 5, block_rows, window_blocks), Told()
    start = data.draw(st.integers(0, rows - 1))  # as after a resume
    edges = [*range(start, rows, batch), rows]
    with reading_ahead(order, told, (start, edges[1])) as reach:
        for first, stop in pairwise(edges):
            reach(first, stop)
            assert set(order.take(first, stop).tolist()) <= told.held
    assert not told.held


def test_three_windows_are_the_most_that_is_held() -> None:
    order, told = WindowedOrder(1000, 1, 5, 10), Told()
    with reading_ahead(order, told, (0, 1)) as reach:
        for start in range(0, 1000, 10):
            reach(start, start + 10)
    assert told.most <= 150


def test_an_error_while_announcing_reaches_the_reader() -> None:
    class Gone(Told):
        def announce(self, ranges: Ranges) -> None:
            raise OSError("the disk is gone")

    order = WindowedOrder(100, 1, 5, 2)
    with pytest.raises(OSError, match="the disk is gone"), reading_ahead(order, Gone(), (0, 10)):
        pass


def test_other_orders_and_other_sources_are_left_alone() -> None:
    told = Told()
    for order, source in ((Permutation(10, 1), told), (None, told), (WindowedOrder(10, 1, 2, 2), object())):
        with reading_ahead(order, source, (0, 1)) as reach:
            reach(0, 10)
    assert not told.most
