"""Steps as the reference's server tells them, digit for digit: float32 arithmetic, halves rounded away from zero.

Keys that a step does not have are left out. Legality is that of the rows, in self-play that of the board.

Shapes: B steps.
"""

from collections.abc import Iterator
from typing import Any

import numpy as np

from railyard.board.game.boards import encode, legal_from_bits
from railyard.board.game.heuristic import evaluate
from railyard.board.packs.annotations import POLICY_STUDENT_BINS
from railyard.board.review.disagreements import is_disagreement
from railyard.board.review.open_session import OpenSession
from railyard.board.review.page import Page, read_page
from railyard.board.review.student import StudentMode, student_bins
from railyard.core.arrays import F32, U8, Bool

THOUSAND = np.float32(1000)


def steps_of(
    session: OpenSession,
    run: int,
    first: int,
    count: int,
    tokenize: bool = False,
    mode: StudentMode = StudentMode.full,
    top: int = 5,
    with_bins: bool = True,
) -> list[dict[str, Any]]:
    """`count` steps of the run at a place, from its step `first` on."""
    page = read_page(session, run, first, count)
    steps = list(_known(session, page))
    _add_annotations(session, page, steps, mode, top, with_bins)
    if tokenize:
        _add_tokens(session, page, steps)
    return steps


def _known(session: OpenSession, page: Page) -> Iterator[dict[str, Any]]:
    """What the pool alone tells."""
    is_pack = session.kind == "macroxue"
    values = page.records_B["board_eval"] if is_pack else evaluate(*encode(page.exponents_B16))
    values_B = values.astype(np.float32)
    legal_B = page.stored_B if is_pack else page.legal_B
    relative_B4, advantage_B4 = advantages(page, values_B)
    annotations = session.annotation_rows(page.rows_B)
    differs_B = is_disagreement(page.moves_B, annotations)
    columns = (
        page.steps_B.tolist(),
        page.exponents_B16.tolist(),
        values_B.tolist(),
        _where(page.evs_B4, page.stored_B),
        relative_B4,
        advantage_B4,
        legal_B.tolist(),
        page.moves_B.tolist(),
        differs_B.tolist(),
        page.valuations,
    )
    names = (
        *("step_index", "board", "board_value", "branch_evs", "relative_branch_evs", "advantage_branch"),
        *("legal_mask", "teacher_move", "is_disagreement", "valuation_type"),
    )
    for values_of_step in zip(*columns, strict=True):
        yield dict(zip(names, values_of_step, strict=True))


def advantages(page: Page, values_B: F32) -> tuple[list[Any], list[Any]]:
    """relative_branch_evs and advantage_branch, null where illegal; of tables all of the first are null."""
    known_B4 = legal_from_bits(page.stored_B)
    evs = np.where(known_B4, page.evs_B4, np.float32(0))
    with np.errstate(invalid="ignore", over="ignore"):
        relative = rounded(evs * THOUSAND - values_B[:, None])
        best = np.max(np.where(known_B4, evs, np.float32(-np.inf)), axis=1, keepdims=True)
        of_tables = rounded((evs - best) * THOUSAND)
        best_relative = np.max(np.where(known_B4, relative, np.float32(-np.inf)), axis=1, keepdims=True)
        of_search = relative - best_relative
    advantage = np.where(page.is_search_B[:, None], of_search, of_tables)
    return _whole(relative, known_B4 & page.is_search_B[:, None]), _whole(advantage, known_B4)


def rounded(values: F32) -> F32:
    """To whole numbers, halves away from zero, exactly."""
    whole = np.trunc(values)
    return whole + np.where(np.abs(values - whole) >= np.float32(0.5), np.sign(values), np.float32(0))


def _whole(values_B4: F32, known_B4: Bool) -> list[Any]:
    known = known_B4 & np.isfinite(values_B4)
    numbers = np.where(known, values_B4, 0).astype(np.int64).astype(object)
    numbers[~known] = None
    found: list[Any] = numbers.tolist()
    return found


def _where(values_B4: F32, bits_B: U8) -> list[Any]:
    numbers = values_B4.astype(object)
    numbers[~legal_from_bits(bits_B)] = None
    found: list[Any] = numbers.tolist()
    return found


def _add_annotations(
    session: OpenSession, page: Page, steps: list[dict[str, Any]], mode: StudentMode, top: int, with_bins: bool
) -> None:
    places_B, found = session.annotation_rows(page.rows_B)
    if found is None:
        return
    has_bins_B, bins = session.bins(places_B) if with_bins else (np.zeros(len(places_B), np.bool_), None)
    known = np.flatnonzero(places_B >= 0)
    masks = found["policy_kind_mask"] | np.where(has_bins_B[known], np.uint8(POLICY_STUDENT_BINS), np.uint8(0))
    columns = [masks.tolist()]
    names = ("argmax_head", "argmax_prob", "policy_p1", "policy_logp", "policy_hard")
    columns += [found[name].tolist() for name in names]
    for step, values in zip(known.tolist(), zip(*columns, strict=True), strict=True):
        steps[step]["annotation"] = dict(zip(("policy_kind_mask", *names), values, strict=True))
    if bins is not None:
        for step, told in zip(np.flatnonzero(has_bins_B).tolist(), student_bins(bins, mode, top), strict=True):
            steps[step]["student_bins"] = told


def _add_tokens(session: OpenSession, page: Page, steps: list[dict[str, Any]]) -> None:
    """A row that cannot be tokenized lacks them."""
    tokenizer = session.tokenizer
    if tokenizer is None or session.kind != "macroxue":
        return
    tokens_B4, sound_B = tokenizer.encode_sound(page.records_B, session.pool.valuation_names)
    for step, (tokens, is_sound) in enumerate(zip(tokens_B4.tolist(), sound_B.tolist(), strict=True)):
        if is_sound:
            steps[step]["tokens"] = tokens
