"""How well runs were played, and how well the model would have: accuracy and judgements, computed once and kept.

Moves are judged by the losses that a session's columns hold, where its pool has values; in self-play nothing is known.
Long sessions take seconds: until then all is unknown, and runs are told without it.

Shapes: R runs in the order of their ids, J judgements.
"""

from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from railyard.board.review.accuracy import JUDGEMENTS, Judged, Rows, by_run, shipped
from railyard.board.review.open_session import OpenSession
from railyard.board.review.problems import Preparing
from railyard.core.progress import Count
from railyard.core.store.shards import ShardSet

CHUNK = 1 << 18
# what the file and the column of figures are called, by the column of losses
KINDS = {"played_loss": "", "ev_loss": "model_"}
RANK = "max_rank"
LONG = 5_000_000  # rows, from which on nobody waits for them


def run_judgements(session: OpenSession) -> dict[str, NDArray[Any]]:
    """`accuracy`, `model_accuracy`, and moves by judgement, `judgements.best`, …: float64 [R], NaN unknown."""
    if not session.pool.valuation_names:
        return _unknown(len(session.runs))
    columns = session.columns  # made before this is: one thing at a time is
    wait = 0.0 if len(session.pool) >= LONG else None
    try:
        return session.prepared("accuracy", lambda folder, tick: make(session, columns, folder, tick), read, wait)
    except Preparing:
        if wait is None:
            raise
        return _unknown(len(session.runs))


def _unknown(runs: int) -> dict[str, NDArray[Any]]:
    nothing = Judged(np.full(runs, np.nan), np.zeros((runs, len(JUDGEMENTS)), np.int64))
    return _columns([nothing] * len(KINDS))


def make(session: OpenSession, columns: Mapping[str, ShardSet], folder: Path, tick: Count) -> None:
    """Fills a folder with what is known of each run."""
    total = len(columns[RANK])
    scales_VR = shipped().of(session.pool.valuation_names)
    found = by_run(
        _rows(session, columns, total), len(session.runs), len(KINDS), scales_VR, lambda done: tick(done, total)
    )
    for kind, judged in zip(KINDS, found, strict=True):
        np.save(folder / f"{kind}-accuracy.npy", judged.accuracy_R)
        np.save(folder / f"{kind}-judgements.npy", judged.counts_RJ)


def _rows(session: OpenSession, columns: Mapping[str, ShardSet], total: int) -> Iterator[Rows]:
    starts_R = session.run_rows.starts_R
    for first in range(0, total, CHUNK):
        rows = np.arange(first, min(first + CHUNK, total))
        run_N = np.searchsorted(starts_R, rows, side="right") - 1
        kinds = session.pool.valuations(first, len(rows))
        yield Rows(run_N, kinds, columns[RANK].gather(rows), [columns[kind].gather(rows) for kind in KINDS])


def read(folder: Path) -> dict[str, NDArray[Any]]:
    """What `make` left."""
    files = ((folder / f"{kind}-accuracy.npy", folder / f"{kind}-judgements.npy") for kind in KINDS)
    return _columns([Judged(*(np.load(file, allow_pickle=False) for file in pair)) for pair in files])


def _columns(found: list[Judged]) -> dict[str, NDArray[Any]]:
    columns: dict[str, NDArray[Any]] = {}
    for before, judged in zip(KINDS.values(), found, strict=True):
        columns[f"{before}accuracy"] = judged.accuracy_R
        unknown_R = np.isnan(judged.accuracy_R)
        for place, name in enumerate(JUDGEMENTS):
            columns[f"{before}judgements.{name}"] = np.where(unknown_R, np.nan, judged.counts_RJ[:, place])
    return columns
