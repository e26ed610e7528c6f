"""`railyard annotate`: everything but the model, in CPU time, and the whole against bare passes of the same model.

A model that answers at once leaves reading, products and writing to be measured: their cost is held against copying
bytes in the same run. Targets in rows a second are for two cores, so half of them are those of one second of CPU time.
Plots are left out: they take the same second for any pool.
"""

import tempfile
import time
from collections.abc import AsyncGenerator, Iterable
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.figure import Figure, best_rate, cost
from benchmarks.sample import sample_pack
from benchmarks.yardstick import COPIED_BYTES, SPEED, Copy, in_turns
from railyard.board.annotation import report
from railyard.board.annotation.asking import Model
from railyard.board.annotation.config import Annotate
from railyard.board.annotation.job import annotate_with
from railyard.board.annotation.moves_played import Rows, recover, successors
from railyard.board.inference.client.blocking import Blocking
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.board.packs.pack import Pack
from railyard.core.arrays import U8

CLASSES, BATCH = 35, 16384
FACTS = ModelFacts("binned_ev", CLASSES, input_vocab_size=18, model_hash="0" * 64)
CORES = 2
TARGETS = {("annotations", "metrics"): 1e6, ("annotations", "student_bins", "metrics"): 4e5}  # rows a second
RECOVERED, OF_BARE_PASSES = 5e6, 0.97
SHAPE = {"hidden_size": 96, "num_hidden_layers": 3, "num_attention_heads": 4, "intermediate_size": 256}


class AtOnce:
    """A model whose answers are there before it is asked."""

    def __init__(self) -> None:
        probabilities = np.random.default_rng(0).random((BATCH, 4, CLASSES), np.float32)
        best = probabilities[:, :, -1].argmax(axis=1).astype(np.uint8)
        self._answers = Answers(best, probabilities[:, :, -1].max(axis=1), probabilities)

    async def facts(self) -> ModelFacts:
        return FACTS

    async def ask(self, boards_B16: U8, wanted: Wanted) -> Answers:
        return self._answers.rows(0, len(boards_B16))

    async def stream(self, blocks: Iterable[U8], wanted: Wanted) -> AsyncGenerator[Answers]:
        for boards_B16 in blocks:
            yield await self.ask(boards_B16, wanted)

    async def aclose(self) -> None:
        pass


def measure() -> list[Figure]:
    report.plots.available = lambda: False  # a second that no larger pool makes longer
    with sample_pack(copies=8) as (pack, _):
        fast = [_figure(pack, products, target) for products, target in TARGETS.items()]
    with sample_pack(copies=1) as (pack, _):
        return [*fast, _recovery(pack), _against_passes(pack)]


def _annotated(pack: Pack, model: Model, **keys: Any) -> int:
    """Rows of a session in a folder that goes again."""
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as out:
        knobs = Annotate(pool=pack.path, init=Path("none"), out=Path(out), tag="bench", **keys)
        return int(annotate_with(model, knobs)["rows"])


def _figure(pack: Pack, products: tuple[str, ...], target: float) -> Figure:
    with Blocking(AtOnce) as client:
        model = Model(client, FACTS, 256, "cpu")
        pair = in_turns(lambda: _annotated(pack, model, products=list(products)), Copy(), 8)
    return cost(
        f"annotate, a row of {', '.join(products)}",
        pair,
        COPIED_BYTES,
        SPEED[COPIED_BYTES] / (target / CORES),
        note=f"{pair.rate / 1e3:,.0f}k rows/s of CPU time, the model answers at once",
    )


def _recovery(pack: Pack) -> Figure:
    rows = pack.rows.gather(np.arange(len(pack)))
    boards, masks = (np.ascontiguousarray(rows[name]) for name in ("board", "tile_65536_mask"))
    found = Rows(rows["run_id"].astype(np.uint64), np.ascontiguousarray(rows["step_index"]), boards, masks)

    def ours() -> int:
        recover(found, successors(found.runs_M, len(rows))[0])
        return len(rows)

    pair = in_turns(ours, Copy())
    target = SPEED[COPIED_BYTES] / RECOVERED
    note = f"{pair.rate / 1e6:.1f}M rows/s of CPU time"
    return cost("move of a self-play row recovered", pair, COPIED_BYTES, target, note=note)


def _against_passes(pack: Pack) -> Figure:
    """Both in CPU time of this process, so that waiting of either is not seen; the passes are those of one batch."""
    import torch

    from railyard.board.annotation.pool import AnnotationPool
    from railyard.board.inference.client.local import LocalClient
    from railyard.board.model.config import Encoder
    from railyard.board.model.encoder import BoardEncoder
    from railyard.board.model.inference import AnsweringModel

    torch.manual_seed(0)
    bare = AnsweringModel(BoardEncoder(Encoder(output_n_bins=CLASSES, **SHAPE)), "cpu")
    boards = AnnotationPool.open(pack.path).batch(0, BATCH).exponents_B16

    def passes() -> int:
        for first in range(0, BATCH, 256):
            bare.answer(boards[first : first + 256], 256, Wanted())
        return BATCH

    with Blocking(lambda: LocalClient(bare, FACTS, 256)) as client:
        model = Model(client, FACTS, 256, "cpu")
        pair = in_turns(lambda: _annotated(pack, model, bucket=256), passes, 20)
    return Figure(
        "annotate, the quickstart's size",
        pair.ratio,
        "of bare passes",
        f">= {OF_BARE_PASSES:g}",
        pair.ratio >= OF_BARE_PASSES,
        "passes of 256 boards alone",
        pair.ratio,
        f"{best_rate(passes, 3, time.process_time):,.0f} rows/s of CPU time in bare passes",
    )
