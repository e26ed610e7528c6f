"""Steps of a run with everything that a session says of them; what it does not say is null.

Legality is the board's. The move played is the recorded one, in self-play and relabelled pools the one that leads to
the next board.

Shapes: B steps, M metrics.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np

from railyard.board.annotation.definitions import best_moves
from railyard.board.game.boards import legal_from_bits
from railyard.board.packs.annotation_session import VALUES_STEM, WIDEST_SLOT, own_stem
from railyard.board.review.limits import MOST_SERIES
from railyard.board.review.open_session import OpenSession
from railyard.board.review.page import Page, read_page
from railyard.board.review.problems import BadRequest
from railyard.board.review.student import StudentMode, student_bins
from railyard.core.arrays import F32, F64, I64, U8, Bool
from railyard.core.errors import nearest
from railyard.core.store.shards import ShardSet

DEFAULT_METRICS = ("logit_gap", "model_top_prob", "entropy", "ev_loss", "played_loss", "disagreement")


@dataclass(frozen=True)
class Shown:
    """What of the steps is told beside the rest."""

    metrics: Sequence[str] = ()
    bins: bool = True
    mode: StudentMode = StudentMode.full
    top: int = 5
    tokenize: bool = False


def metrics_of(session: OpenSession, text: str | None, beside: Sequence[str] = ()) -> list[str]:
    """Names of columns from a comma-separated list; without one those of DEFAULT_METRICS that there are.

    beside: further names that are known.

    BadRequest names the nearest known column.
    """
    known = (*session.column_names, *beside)
    if text is None:
        return [name for name in DEFAULT_METRICS if name in known]
    names = [name for part in text.split(",") if (name := part.strip())]
    for name in names:
        if name not in known:
            raise BadRequest(
                f"metrics: there is no column {name[:80]!r}{nearest(name, known)}; known: {', '.join(known)}"
            )
    if len(names) > MOST_SERIES:
        raise BadRequest(f"metrics: at most {MOST_SERIES} at one time, got {len(names)}")
    return names


def session_steps(session: OpenSession, run: int, first: int, count: int, shown: Shown) -> list[dict[str, Any]]:
    """`count` steps of the run at a place, from its step `first` on."""
    page = read_page(session, run, first, count)
    steps = _plain(session, page, shown)
    if shown.bins:
        _add_bins(session, page, steps, shown)
    if shown.tokenize and session.tokenizer is not None and session.kind == "macroxue":
        tokens_B4, sound_B = session.tokenizer.encode_sound(page.records_B, session.pool.valuation_names)
        for step in np.flatnonzero(sound_B).tolist():
            steps[step]["tokens"] = tokens_B4[step].tolist()
    return steps


def _plain(session: OpenSession, page: Page, shown: Shown) -> list[dict[str, Any]]:
    columns: dict[str, list[Any]] = {
        "row": page.rows_B.tolist(),
        "step_index": page.steps_B.tolist(),
        "board": page.exponents_B16.tolist(),
        "legal": legal_from_bits(page.legal_B).tolist(),
        "policy": policies(session, page.rows_B),
        "played": _moves(session.moves_played(page.rows_B, page.moves_B)),
        "teacher": _teachers(session, page),
        "metrics": _named({name: _numbers(session.column(name, page.rows_B)) for name in shown.metrics}, page),
        "values": _named(values_of(session, page.rows_B), page),
    }
    return [dict(zip(columns, values, strict=True)) for values in zip(*columns.values(), strict=True)]


def _named(lists: dict[str, list[Any]], page: Page) -> list[dict[str, Any]]:
    if not lists:
        return [{} for _ in page.rows_B]
    return [dict(zip(lists, values, strict=True)) for values in zip(*lists.values(), strict=True)]


def _numbers(values: F32 | F64) -> list[float | None]:
    """As plain numbers; NaN stays, and is null as JSON."""
    found: list[float | None] = values.tolist()
    return found


def _moves(moves_B: U8) -> list[int | None]:
    return [move if move < 4 else None for move in moves_B.tolist()]


def policies(session: OpenSession, rows_B: I64) -> list[Any]:
    """P1 of each move as annotations hold it, else the policy of predictions; null where the session has neither."""
    places_B, found = session.annotation_rows(rows_B)
    policy_B: list[Any] = [None] * len(rows_B)
    if found is not None:
        for step, values in zip(np.flatnonzero(places_B >= 0).tolist(), found["policy_p1"].tolist(), strict=True):
            policy_B[step] = values
    elif (predictions := session.annotated.predictions) is not None:
        known = np.flatnonzero(rows_B < len(predictions))
        values_B4 = predictions.gather(rows_B[known])["policy"].astype(np.float32)
        for step, values in zip(known.tolist(), values_B4.tolist(), strict=True):
            policy_B[step] = values
    return policy_B


def _teachers(session: OpenSession, page: Page) -> list[dict[str, Any]]:
    known_B = page.legal_B & page.stored_B
    evs = page.evs_B4.astype(object)
    evs[~legal_from_bits(known_B)] = None
    best_B = best_moves(page.evs_B4, known_B, page.moves_B, page.is_search_B)
    columns = (_moves(page.moves_B), _moves(best_B), evs.tolist(), page.valuations)
    return [
        dict(zip(("action", "best", "evs", "valuation"), values, strict=True)) for values in zip(*columns, strict=True)
    ]


def values_of(session: OpenSession, rows_B: I64) -> dict[str, list[Any]]:
    """Value heads by name: probabilities of each step, null where the session ends before it."""
    found: dict[str, list[Any]] = {}
    families = session.annotated.values
    for head in session.annotated.schema.get("value_heads", []):
        stem = VALUES_STEM if head["dim"] <= WIDEST_SLOT else own_stem(head["name"])
        if stem in families:
            offset = head["offset"] if head["dim"] <= WIDEST_SLOT else 0
            found[head["name"]] = _probabilities(families[stem], rows_B, offset, head["dim"])
    return found


def _probabilities(family: ShardSet, rows_B: I64, offset: int, dim: int) -> list[Any]:
    known: Bool = rows_B < len(family)
    logits = family.gather(rows_B[known])[:, offset : offset + dim].astype(np.float32)
    with np.errstate(over="ignore"):
        values = (np.float32(1) / (np.float32(1) + np.exp(-logits))).tolist()
    told: list[Any] = [None] * len(rows_B)
    for step, numbers in zip(np.flatnonzero(known).tolist(), values, strict=True):
        told[step] = numbers
    return told


def _add_bins(session: OpenSession, page: Page, steps: list[dict[str, Any]], shown: Shown) -> None:
    places_B, _ = session.annotation_rows(page.rows_B)
    known_B, bins = session.bins(places_B)
    if bins is not None:
        for step, told in zip(np.flatnonzero(known_B).tolist(), student_bins(bins, shown.mode, shown.top), strict=True):
            steps[step]["student_bins"] = told
