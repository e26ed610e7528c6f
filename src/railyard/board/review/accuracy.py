"""How good a move is between 0 and 100: 100 exp(-L / λ) of its loss L, and what such a move is called.

λ depends on the kind of the values and on the board's largest tile; `scripts/fit_accuracy.py` chose each so that a
random legal move averages 50, and wrote them to `accuracy.json`. A run's accuracy is the mean over its moves of known
loss, once for the moves played and once for the model's.

Shapes: N moves, V valuation names, R runs, J judgements.
"""

import math
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Annotated, NamedTuple

import numpy as np
from pydantic import BaseModel, Field

from railyard.core.arrays import F32, F64, I64, U8
from railyard.core.compiled import inner, njit
from railyard.core.store.reading import read_json

FILE = Path(__file__).with_name("accuracy.json")
JUDGEMENTS = ("best", "good", "inaccuracy", "mistake", "blunder")
UNKNOWN = 255  # of a judgement
GOOD, INACCURACY, MISTAKE = 90.0, 70.0, 40.0  # accuracies from which on a move is called so
RANKS = 17  # exponents of a largest tile, 0 to 16
# whose λ the values of own endgame tables have: they are chances, too
TWINS = {"table11": "tuple11", "table10": "tuple10"}
OTHERWISE = "tuple11"  # of names that nobody knows, whose values are taken for chances as well

Positive = Annotated[float, Field(gt=0)]


class _File(BaseModel):
    """`accuracy.json`: λ by valuation and exponent of the largest tile, beside how it came about."""

    version: int
    command: str
    data: list[str]
    scales: dict[str, Annotated[dict[Annotated[int, Field(ge=0, lt=RANKS)], Positive], Field(min_length=1)]]


@dataclass(frozen=True)
class Scales:
    """λ by valuation name and exponent of the largest tile; a tile that has none takes the nearest one's."""

    by_name: Mapping[str, Mapping[int, float]]

    def of(self, names: Sequence[str]) -> F64:
        """λ of these valuation names at each exponent, float64 [V, RANKS]; losses are in thousandths of an EV."""
        found = np.empty((len(names), RANKS))
        for row, name in zip(found, names, strict=True):
            known = self.by_name[name if name in self.by_name else TWINS.get(name, OTHERWISE)]
            row[:] = [known[min(known, key=lambda rank: abs(rank - wanted))] for wanted in range(RANKS)]
        return found


@cache
def shipped() -> Scales:
    """The scales of this version."""
    return Scales(_File.model_validate(read_json(FILE, "install Railyard again")).scales)


@njit()
def _accuracy(loss: float, scale: float) -> float:
    return 100.0 * math.exp(-max(loss, 0.0) / scale)


@inner()
def _judgement(loss: float, accuracy: float) -> int:
    if np.isnan(loss):
        return UNKNOWN
    if loss <= 0:
        return 0
    if accuracy >= GOOD:
        return 1
    if accuracy >= INACCURACY:
        return 2
    return 3 if accuracy >= MISTAKE else 4


@njit()
def _each(loss_N: F32, valuation_N: U8, rank_N: F32, scales_VR: F64, accuracy_N: F32, judgement_N: U8) -> None:
    for row in range(len(loss_N)):
        accuracy_N[row], judgement_N[row] = np.nan, UNKNOWN
        if not np.isnan(loss_N[row]):
            accuracy = _accuracy(loss_N[row], scales_VR[valuation_N[row], int(rank_N[row])])
            accuracy_N[row], judgement_N[row] = accuracy, _judgement(loss_N[row], accuracy)


def accuracies(loss_N: F32, valuation_N: U8, rank_N: F32, scales_VR: F64) -> tuple[F32, U8]:
    """Accuracy float32 [N], NaN where the loss is, and places in JUDGEMENTS uint8 [N], 255 there.

    loss_N: thousandths of an EV (columns `ev_loss`, `played_loss`). valuation_N: rows of `scales_VR`. rank_N: the
    exponent of the largest tile, at most 16.
    """
    accuracy_N, judgement_N = np.empty(len(loss_N), np.float32), np.empty(len(loss_N), np.uint8)
    _each(loss_N, valuation_N, rank_N, scales_VR, accuracy_N, judgement_N)
    return accuracy_N, judgement_N


class Judged(NamedTuple):
    """Of one kind of moves, the runs' own or a model's: mean accuracy of each run, NaN where no loss is known."""

    accuracy_R: F64
    counts_RJ: I64  # moves by judgement


class Rows(NamedTuple):
    """Consecutive moves: the place of each row's run, what its values are, the largest tile, and losses by kind."""

    run_N: I64
    valuation_N: U8
    rank_N: F32
    losses: Sequence[F32]


@njit()
def _tally(run_N: I64, valuation_N: U8, rank_N: F32, loss_N: F32, scales_VR: F64, sum_R: F64, counts_RJ: I64) -> None:
    for row in range(len(loss_N)):
        if np.isnan(loss_N[row]):
            continue
        accuracy = _accuracy(loss_N[row], scales_VR[valuation_N[row], int(rank_N[row])])
        sum_R[run_N[row]] += accuracy
        counts_RJ[run_N[row], _judgement(loss_N[row], accuracy)] += 1


def by_run(
    rows: Iterable[Rows], runs: int, kinds: int, scales_VR: F64, progress: Callable[[int], None] = lambda done: None
) -> list[Judged]:
    """Accuracy and judgements of R runs, for each of so many kinds of moves; one pass, whatever the order of rows."""
    sums = [np.zeros(runs) for _ in range(kinds)]
    counts = [np.zeros((runs, len(JUDGEMENTS)), np.int64) for _ in range(kinds)]
    done = 0
    for chunk in rows:
        for loss_N, sum_R, counts_RJ in zip(chunk.losses, sums, counts, strict=True):
            _tally(chunk.run_N, chunk.valuation_N, chunk.rank_N, loss_N, scales_VR, sum_R, counts_RJ)
        done += len(chunk.run_N)
        progress(done)
    return list(_means(sums, counts))


def _means(sums: Sequence[F64], counts: Sequence[I64]) -> Iterator[Judged]:
    for sum_R, counts_RJ in zip(sums, counts, strict=True):
        known_R = counts_RJ.sum(axis=1)
        yield Judged(np.where(known_R > 0, sum_R / np.maximum(known_R, 1), np.nan), counts_RJ)
