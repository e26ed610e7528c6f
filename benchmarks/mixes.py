"""Batches of four mixes over two packs against batches of one pack's rows, and places in the order of 500M rows."""

import time

import numpy as np

from benchmarks.figure import Figure
from benchmarks.sample import sample_pack
from benchmarks.yardstick import in_turns
from railyard.board.training.augmentation import Augmentation
from railyard.board.training.data import PackRows
from railyard.board.training.rejection.config import NamedFilter, ResolvedMix
from railyard.board.training.rejection.data import MixedRows
from railyard.board.training.rejection.mixes import OpenMix
from railyard.board.training.rejection.selecting import Selection
from railyard.board.training.split import Rows, SelectedRows, Split
from railyard.core.training.loading import EpochsInARow
from railyard.core.training.mixing import MixedOrder
from railyard.core.training.shares import MixPhase, Shares

BATCH, BATCHES = 1024, 400
WEIGHTS = (0.6, 0.25, 0.1, 0.05)
TARGET, MOST_MICROSECONDS = 0.9, 1.0


def measure() -> list[Figure]:
    return [_batches(), _positions()]


def _batches() -> Figure:
    """Both with all that a loader does for a batch, in one thread: the order, the rows, the tensors."""
    with sample_pack(copies=60) as (first, labels), sample_pack(copies=60) as (second, _):
        splits = [Split.of(pack.runs.steps, 0.1, 0) for pack in (first, second)]
        uniform = PackRows(first, labels, Rows(first.runs.starts, splits[0].train))
        plain = EpochsInARow(len(uniform), BATCH)
        mixes = [
            _mix(first, splits[0], range(len(first))),
            _mix(first, splits[0], np.arange(0, len(first), 8, dtype=np.uint32)),
            _mix(second, splits[1], range(len(second))),
            _mix(second, splits[1], np.arange(3, len(second), 50, dtype=np.uint32)),
        ]
        source = MixedRows(mixes, labels, Augmentation(), 0, {})
        phase = MixPhase(0, WEIGHTS, (True,) * 4)
        order = MixedOrder(Shares(tuple(len(mix.rows) for mix in mixes), (phase,), len(uniform), BATCH))

        def mixed() -> int:
            for batch in range(BATCHES):
                source.__getitems__(order.positions(0, batch))
            return BATCHES * BATCH

        def of_one() -> int:
            for batch in range(BATCHES):
                uniform.__getitems__(plain.positions(0, batch))
            return BATCHES * BATCH

        pair = in_turns(mixed, of_one)
    note = f"{pair.rate:,.3g} rows/s; batches of {BATCH}, order included, rows in the page cache"
    return Figure(
        "batches of 4 mixes over 2 packs",
        pair.ratio,
        "of uniform batches' rows/s",
        f">= {TARGET}",
        pair.ratio >= TARGET,
        "uniform batches of one pack",
        pair.ratio,
        note,
    )


def _mix(pack, split, rows):  # type: ignore[no-untyped-def]
    mix = ResolvedMix("mix", None, None, NamedFilter(name="passthrough"), 1.0, True)
    return OpenMix(mix, pack, Selection(rows, len(pack)), SelectedRows(pack.runs.starts, split.train, rows))


def _positions() -> Figure:
    """A range of 500M rows, a filter's 60M of them, and two small mixes that repeat; no files."""
    rows, starts = 500_000_000, np.arange(0, 500_000_001, 5_000, dtype=np.int64)
    runs = np.arange(len(starts) - 1)
    matched = np.arange(0, rows, 8, dtype=np.uint32)
    chosen = [SelectedRows(starts, runs, range(rows)), SelectedRows(starts, runs, matched)]
    chosen += [SelectedRows(starts, runs, matched[:count]) for count in (100_000, 7)]
    phase = MixPhase(0, WEIGHTS, (True,) * 4)
    order = MixedOrder(Shares(tuple(map(len, chosen)), (phase,), rows, BATCH))
    places = np.random.default_rng(0).integers(0, order.batches(0), 200)

    def global_rows(batch: int) -> None:
        _, mixes, of_mix = order.positions(0, batch)
        for number in range(4):
            chosen[number].rows(of_mix[mixes == number])

    global_rows(0)
    start = time.process_time()
    for batch in places.tolist():
        global_rows(batch)
    microseconds = 1e6 * (time.process_time() - start) / (len(places) * BATCH)
    return Figure(
        "place of a row in an epoch of 500M rows",
        microseconds,
        "us of CPU time",
        f"<= {MOST_MICROSECONDS}",
        microseconds <= MOST_MICROSECONDS,
        "",
        None,
        "4 mixes, one a range, one 62.5M row numbers; batches anywhere in the epoch",
    )
