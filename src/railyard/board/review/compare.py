"""Two models over one pool: rows that the second sets right, spoils, and how far their distributions are apart.

A model is right where its best legal move is the teacher's (in self-play: the move played), as the column
`disagreement` says. Fixed: the first is wrong and the second right; broken: the other way round.

Shapes: n rows of a chunk, 4 moves, N bins.
"""

from collections.abc import Callable, Mapping
from typing import Any, NamedTuple

import numpy as np

from railyard.board.review.open_session import OpenSession
from railyard.board.review.problems import BadRequest
from railyard.core.arrays import F32, I64
from railyard.core.compiled import njit
from railyard.core.store.scanning import InColumn, Scan, Sieve, equal

RIGHT, WRONG = 0.0, 1.0  # values of `disagreement`
GROUPS: Mapping[str, tuple[float, float]] = {
    "fixed": (WRONG, RIGHT),
    "broken": (RIGHT, WRONG),
    "right": (RIGHT, RIGHT),
    "wrong": (WRONG, WRONG),
}
COLUMN = "disagreement"
MOST_ROWS = 200_000  # that the divergence is a mean over; of longer sessions rows at even distances
CHUNK = 4096
TINY = float(np.finfo(np.float32).tiny)  # stands for 0 where the second model gives a bin nothing

Distributions = Callable[[I64], F32]  # float32 [n, heads, N] of these rows, each head a distribution


class Divergence(NamedTuple):
    """Mean KL(first || second) in nats: of the bins the mean over the heads too, else of the policies."""

    of: str  # bins or policies
    mean: float | None  # None where no row has a number
    rows: int  # that it is a mean over


class Comparison(NamedTuple):
    rows: int
    groups: dict[str, int]
    unknown: int  # rows of no group: one of the two has no move to be compared with
    divergence: Divergence | None
    provenance: dict[str, tuple[Any, Any]]  # what differs, by name


def compare(first: OpenSession, second: OpenSession) -> Comparison:
    """All of it. BadRequest for sessions of different pools."""
    rows = _check(first, second)
    groups = {group: Scan(rows, sieves(first, second, group)).count() for group in GROUPS}
    unknown = rows - sum(groups.values())
    return Comparison(rows, groups, unknown, divergence(first, second, rows), differences(first, second))


def sieves(first: OpenSession, second: OpenSession, group: str) -> list[Sieve]:
    """What rows of a group pass. BadRequest for an unknown group, and for sessions of different pools."""
    if group not in GROUPS:
        raise BadRequest(f"group={group} is none: take {', '.join(GROUPS)}")
    _check(first, second)
    said = zip((first, second), GROUPS[group], strict=True)
    return [InColumn(session.columns[COLUMN], equal(value)) for session, value in said]


def _check(first: OpenSession, second: OpenSession) -> int:
    """The rows that both have. BadRequest for sessions of different pools."""
    same_place = first.pool.path.resolve() == second.pool.path.resolve()
    if not same_place and first.pool.fingerprint() != second.pool.fingerprint():
        raise BadRequest(
            f"sessions {first.id} and {second.id} are of different pools, {first.pool.path} and {second.pool.path}: "
            "compare two models over one pool"
        )
    return min(len(session.columns[COLUMN]) for session in (first, second))


def divergence(first: OpenSession, second: OpenSession, rows: int) -> Divergence | None:
    """None where the sessions hold no distributions that can be compared."""
    one, two, of = _bins(first), _bins(second), "bins"
    if one is None or two is None or not _same_tokens(first, second):
        one, two, of = _policies(first), _policies(second), "policies"
    if one is None or two is None:
        return None
    chosen = np.arange(rows) if rows <= MOST_ROWS else np.linspace(0, rows - 1, MOST_ROWS).astype(np.int64)
    total, count = 0.0, 0
    for start in range(0, len(chosen), CHUNK):
        part = chosen[start : start + CHUNK]
        more, known = _divergence(one(part), two(part))
        total, count = total + more, count + known
    return Divergence(of, total / count if count else None, count)


def differences(first: OpenSession, second: OpenSession) -> dict[str, tuple[Any, Any]]:
    """What the manifests and the settings of two sessions say differently."""
    one, two = _said(first), _said(second)
    return {name: (one.get(name), two.get(name)) for name in {**one, **two} if one.get(name) != two.get(name)}


def _said(session: OpenSession) -> dict[str, Any]:
    source, manifest = session.annotated.source, session.annotated.manifest
    kept = {
        name: source.get(name) for name in ("tag", "device", "bucket", "created_at", "railyard_version", "products")
    }
    return {**manifest.get("provenance", {}), **kept}


def _same_tokens(first: OpenSession, second: OpenSession) -> bool:
    hashes = [session.annotated.manifest.get("provenance", {}).get("tokenizer_hash") for session in (first, second)]
    return hashes[0] is not None and hashes[0] == hashes[1]


def _bins(session: OpenSession) -> Distributions | None:
    """Of rows without bins NaN."""
    if session.student is None:
        return None

    def read(rows: I64) -> F32:
        known, bins = session.bins(session.annotation_rows(rows)[0])
        assert bins is not None
        found = np.full((len(rows), *bins.shape[1:]), np.nan, np.float32)
        found[known] = bins
        return found

    return read


def _policies(session: OpenSession) -> Distributions | None:
    """Mass of the last bins divided by their sum, one head of four; of rows without annotations NaN."""
    predictions = session.annotated.predictions
    if session.annotated.annotations is None:
        return None if predictions is None else lambda rows: _normalised(predictions.gather(rows)["policy"])

    def read(rows: I64) -> F32:
        places, annotations = session.annotation_rows(rows)
        assert annotations is not None
        mass_n4 = np.full((len(rows), 4), np.nan, np.float32)
        mass_n4[places >= 0] = annotations["policy_p1"]
        return _normalised(mass_n4)

    return read


def _normalised(mass_n4: Any) -> F32:
    mass_n4 = mass_n4.astype(np.float32)
    with np.errstate(invalid="ignore"):
        found: F32 = (mass_n4 / mass_n4.sum(axis=1, keepdims=True))[:, None, :]
    return found


@njit()
def _divergence(one_nHN: F32, two_nHN: F32) -> tuple[float, int]:
    """Sum over rows of the mean over heads of KL, and the rows that have a number."""
    total, known = 0.0, 0
    rows, heads, bins = one_nHN.shape
    for row in range(rows):
        found = 0.0
        for head in range(heads):
            for place in range(bins):
                p = np.float64(one_nHN[row, head, place])
                q = np.float64(two_nHN[row, head, place])
                if p != 0:
                    found += p * np.log(p / (TINY if q < TINY else q))
        if not np.isnan(found):
            total += found / heads
            known += 1
    return total, known
