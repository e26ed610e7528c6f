"""Fits the scales of the review's accuracy so that a random legal move averages 50; checks what they are worth.

    python scripts/fit_accuracy.py fit PACK…         writes src/railyard/board/review/accuracy.json, draws the curve
    python scripts/fit_accuracy.py validate POOL…    values self-play pools at depth 4 beside them, tells the order

Fit: rows of teacher packs (`railyard pack source=samples/board`, `railyard teach`). Of each row with values every legal
move counts alike; rows whose chosen move reached its table's goal are left out, since their losses are unknown.

Shapes: N rows, 4 moves.
"""

import sys
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from scipy.stats import spearmanr

from railyard.board.annotation.definitions import judge
from railyard.board.annotation.pool import AnnotationPool, Batch
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.packs.judging import POINTS
from railyard.board.packs.pack import Pack
from railyard.board.review.accuracy import FILE, JUDGEMENTS, RANKS, Rows, by_run, shipped
from railyard.board.teaching.relabel import relabel
from railyard.core.arrays import F64, I64, U8, Bool
from railyard.core.runs import plots
from railyard.core.runs.reporting import table
from railyard.core.store import durable

LEAST_ROWS = 300  # of a kind of values and a largest tile, for a scale of their own
CHUNK = 1 << 18
DEPTH = 4  # of the teacher that values the games of others
CURVE = Path(__file__).parent.parent / "docs" / "images" / "accuracy.png"


class Losses(NamedTuple):
    """Losses of all legal moves in thousandths of an EV, float64 [N, 4], NaN where illegal."""

    loss_N4: F64
    name_N: I64  # place of the valuation's name
    rank_N: U8


def batches(pool: AnnotationPool) -> Iterator[Batch]:
    for first in range(0, len(pool), CHUNK):
        yield pool.batch(first, min(CHUNK, len(pool) - first))


def losses(path: Path, names: list[str]) -> Losses:
    pool = AnnotationPool.open(path)
    places = np.array([names.index(name) for name in pool.valuation_names])
    parts = [_of(batch, places[pool.valuations(batch.first, batch.size)]) for batch in batches(pool)]
    return Losses(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))


def _of(batch: Batch, name_N: I64) -> Losses:
    known_N4 = ((batch.legal_B & batch.stored_legal_B)[:, None] >> np.arange(4) & 1).astype(bool)
    evs_N4 = np.where(known_N4, batch.evs_B4.astype(np.float64), np.nan)
    best_N = np.nanmax(np.where(known_N4, evs_N4, -np.inf), axis=1)
    kept_N = known_N4.any(axis=1) & ~_goal_moves(batch, evs_N4, best_N)
    loss_N4 = POINTS * (best_N[:, None] - evs_N4)
    return Losses(loss_N4[kept_N], name_N[kept_N], batch.exponents_B16.max(axis=1)[kept_N])


def _goal_moves(batch: Batch, evs_N4: F64, best_N: F64) -> Bool:
    chosen_N = np.minimum(batch.teacher_B, 3)
    ev_N = evs_N4[np.arange(len(chosen_N)), chosen_N]
    return ~batch.is_search_B & (batch.teacher_B < 4) & (ev_N == 0) & (best_N > 0)


def random_accuracy(loss_N4: F64, scale: float) -> float:
    """What a random legal move averages."""
    return float(np.nanmean(100 * np.exp(-loss_N4 / scale), axis=1).mean())


def scale_of(loss_N4: F64) -> float | None:
    """The scale at which it is 50, by bisection; None where ties alone give more."""
    low, high = 1e-6, 1e9
    if random_accuracy(loss_N4, low) > 50:
        return None
    for _ in range(100):
        middle = (low * high) ** 0.5
        low, high = (middle, high) if random_accuracy(loss_N4, middle) < 50 else (low, middle)
    return float(f"{low:.6g}")


def fit(packs: list[Path]) -> None:
    names = list(dict.fromkeys(name for path in packs for name in Pack.open(path).valuation_names))
    parts = [losses(path, names) for path in packs]
    found = Losses(*(np.concatenate(columns) for columns in zip(*parts, strict=True)))
    scales: dict[str, dict[int, float]] = {}
    lines = []
    for place, name in enumerate(names):
        for rank in range(RANKS):
            loss_N4 = found.loss_N4[(found.name_N == place) & (found.rank_N == rank)]
            scale = scale_of(loss_N4) if len(loss_N4) >= LEAST_ROWS else None
            if scale is not None:
                scales.setdefault(name, {})[rank] = scale
                lines.append((name, f"{1 << rank}", f"{len(loss_N4):,}", f"{scale:.4g}"))
    print(table(("values", "largest tile", "rows", "λ"), lines))
    command = " ".join(["python scripts/fit_accuracy.py fit", *map(str, packs)])
    data = [f"{path.name}: {len(Pack.open(path)):,} rows" for path in packs]
    durable.write_json(FILE, {"version": 1, "command": command, "data": data, "scales": scales})
    named = {name: (sorted(rank), [rank[key] for key in sorted(rank)]) for name, rank in scales.items()}
    _draw(named)


def _draw(named: dict[str, plots.Curve]) -> None:
    figure, (axes,) = plots.panels(1)
    plots.title(axes, "loss at which a move has accuracy 37: λ by largest tile")
    for colour, (name, (ranks, scales)) in zip(plots.COLOURS, named.items(), strict=False):
        axes.plot(ranks, scales, color=colour, label=name, marker="o", markersize=3.5, linewidth=1.6)
    axes.set_yscale("log")
    axes.set_xlabel("exponent of the largest tile", color=plots.MUTED)
    axes.set_ylabel("λ, thousandths of an EV", color=plots.MUTED)
    figure.legend(frameon=False, loc="outside right upper", fontsize=9)
    plots.save(figure, CURVE)


def validate(pools: list[Path]) -> None:
    """Whether self-play pools of several players come in the same order by score and by accuracy."""
    runs = {pool.name: _judged(pool, pool.with_name(f"{pool.name}_valued")) for pool in pools}
    lines = []
    for name, (score_R, accuracy_R, counts_J) in runs.items():
        shares = [f"{share:.3f}" for share in counts_J / counts_J.sum()]
        figures = (f"{score_R.mean():,.0f}", f"{accuracy_R.mean():.2f}", f"{accuracy_R.std(ddof=1):.2f}")
        lines.append((name, f"{len(score_R)}", *figures, *shares))
    print(table(("player", "runs", "mean score", "mean accuracy", "its deviation", *JUDGEMENTS), lines))
    score_R, accuracy_R = (np.concatenate([run[place] for run in runs.values()]) for place in (0, 1))
    by_score, by_accuracy = (np.argsort([run[place].mean() for run in runs.values()]) for place in (0, 1))
    print(f"\nthe players' order is the same: {bool((by_score == by_accuracy).all())}")
    print(f"rank correlation over {len(score_R)} runs: {spearmanr(score_R, accuracy_R).statistic:.3f}")


def _judged(pool: Path, valued: Path) -> tuple[I64, F64, I64]:
    """Score and accuracy of each run, and moves by judgement."""
    relabel(pool, valued, DEPTH, EndgameTables.none())
    opened = AnnotationPool.open(valued)
    (judged,) = by_run(_rows(opened), len(opened.runs), 1, shipped().of(opened.valuation_names))
    return opened.runs.max_score, judged.accuracy_R, judged.counts_RJ.sum(axis=0)


def _rows(pool: AnnotationPool) -> Iterator[Rows]:
    for batch in batches(pool):
        played = judge(batch, np.zeros((batch.size, 4, 1), np.float32)).played_loss_B
        runs_N = np.searchsorted(pool.runs.id, batch.runs_B.astype(np.int64))
        rank_N = batch.exponents_B16.max(axis=1).astype(np.float32)
        yield Rows(runs_N, pool.valuations(batch.first, batch.size), rank_N, [played])


def main() -> None:
    verb, *paths = sys.argv[1:]
    {"fit": fit, "validate": validate}[verb]([Path(path) for path in paths])


if __name__ == "__main__":
    main()
