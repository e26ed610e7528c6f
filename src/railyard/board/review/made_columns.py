"""The columns that railyard annotate leaves beside a session, made for sessions that lack them: folders made elsewhere,
and sessions without the product metrics.

What annotations and bins do not tell is NaN: without bins nobody knows whether the four probabilities are those of a
policy, so there is no entropy.

Shapes: B rows of a batch, N bins.
"""

from collections.abc import Iterable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from railyard.board.annotation.definitions import judge
from railyard.board.annotation.products.metrics import columns_of
from railyard.board.annotation.quantiles import PERCENTS, quantiles
from railyard.board.packs.annotation_session import COLUMNS
from railyard.core.arrays import F32, I64, Bool
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.core.store.shards import ShardSet, ShardWriter

if TYPE_CHECKING:
    from railyard.board.review.open_session import OpenSession

BATCH, CHUNK = 1 << 14, 1 << 18
FLOAT = np.dtype("<f4")
QUANTILES = "quantiles.json"
OF_THE_MODEL = ("logit_gap", "model_top_prob", "ev_loss", "disagreement", "ev_disagreement")


def make_columns(session: "OpenSession", folder: Path, tick: Count) -> None:
    """Fills a folder with COLUMNS over all rows of the pool."""
    total = len(session.pool)
    with ExitStack() as files:
        writers = {name: files.enter_context(ShardWriter(folder, name, FLOAT)) for name in COLUMNS}
        for first in range(0, total, BATCH):
            for name, values in _batch(session, first, min(BATCH, total - first)).items():
                writers[name].write(values)
            tick(min(first + BATCH, total), total)
    made = open_columns(folder)
    durable.write_json(folder / QUANTILES, {name: _percentiles(family) for name, family in made.items()})


def open_columns(folder: Path) -> dict[str, ShardSet]:
    """What `make_columns` left in a folder."""
    return {name: ShardSet.open(folder, name, FLOAT) for name in COLUMNS}


def _batch(session: "OpenSession", first: int, count: int) -> dict[str, F32]:
    batch = session.pool.batch(first, count)
    rows_B = np.arange(first, first + count)
    p1_B4, known_B = _p1(session, rows_B)
    found = columns_of(judge(batch, p1_B4[:, :, None]), batch.played_B)
    for name in OF_THE_MODEL:
        found[name] = np.where(known_B, found[name], np.float32(np.nan))
    bins_B4N = _bins(session, rows_B)
    found["entropy"] = np.full(count, np.nan, np.float32) if bins_B4N is None else judge(batch, bins_B4N).entropy_B
    return {name: np.ascontiguousarray(found[name], FLOAT) for name in COLUMNS}


def _p1(session: "OpenSession", rows_B: I64) -> tuple[F32, Bool]:
    """P1 of each move as annotations hold it, else the policy of predictions, and for which rows it is known."""
    places_B, found = session.annotation_rows(rows_B)
    p1_B4 = np.zeros((len(rows_B), 4), np.float32)
    if found is not None:
        known_B = places_B >= 0
        p1_B4[known_B] = found["policy_p1"]
        return p1_B4, known_B
    predictions = session.annotated.predictions
    known_B = rows_B < (0 if predictions is None else len(predictions))
    if predictions is not None:
        p1_B4[known_B] = predictions.gather(rows_B[known_B])["policy"]
    return p1_B4, known_B


def _bins(session: "OpenSession", rows_B: I64) -> F32 | None:
    """Bins of all rows, NaN where there are none; None without a sidecar."""
    places_B, _ = session.annotation_rows(rows_B)
    known_B, found = session.bins(places_B)
    if found is None:
        return None
    bins_B4N = np.full((len(rows_B), 4, found.shape[2]), np.nan, np.float32)
    bins_B4N[known_B] = found
    return bins_B4N


def _percentiles(family: ShardSet) -> list[float | None]:
    def chunks() -> Iterable[F32]:
        return (chunk for _, chunk in family.chunks(CHUNK))

    found = quantiles(chunks)
    if found is None:
        return [None] * len(PERCENTS)
    return [value if np.isfinite(value) else None for value in found.tolist()]
