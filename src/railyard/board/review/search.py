"""Rows of a session that meet conditions, page by page: in row order, or the best by one column first.

A cursor says after which row a page begins, and of which question it is one. It keeps nothing on the server, so it
stays valid while rows are added, and after a restart. Conditions are judged by `packs/search.py`.
"""

import base64
import binascii
import hashlib
import json
import math
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import replace
from typing import NamedTuple

import numpy as np

from railyard.board.packs.search import VALUATION, Facts
from railyard.board.review.best_rows import FIRST, BestRows, Place
from railyard.board.review.limits import MOST_HITS
from railyard.board.review.open_session import OpenSession
from railyard.board.review.problems import BadRequest
from railyard.core.arrays import I64
from railyard.core.errors import UserError
from railyard.core.query import Condition, parse
from railyard.core.store.scanning import Scan, Sieve

ASCENDING, DESCENDING = "_asc", "_desc"


class Query(NamedTuple):
    """What is looked for. sort: a column, its largest first, a `-` before it or not; with `_asc` its smallest first."""

    where: str | None = None
    metric: str | None = None  # with its bounds one more condition, the source's form
    low: float | None = None
    high: float | None = None
    sort: str | None = None
    among: str = ""  # what rows it is asked of, if not of all

    def conditions(self) -> list[Condition]:
        """All conditions. BadRequest for bounds without a metric, and for a bound that is no number."""
        with blame_the_caller():
            found = parse(self.where)
        if self.metric is None:
            if self.low is not None or self.high is not None:
                raise BadRequest("min and max are bounds of a metric: name it, as metric=logit_gap")
            return found
        for name, bound, operator in (("min", self.low, ">="), ("max", self.high, "<=")):
            if bound is not None and math.isnan(bound):
                raise BadRequest(f"{name}=nan is no bound: give a number, or leave it out")
            if bound is not None:
                found.append(Condition(self.metric, operator, bound))
        if self.low is None and self.high is None:
            found.append(Condition(self.metric, "!=", None))
        return found

    @property
    def digest(self) -> str:
        """Tells questions apart."""
        return hashlib.sha256(json.dumps(self).encode()).hexdigest()[:12]


class Hits(NamedTuple):
    """A page: rows, how many there are in all, and the cursor of the next page."""

    rows: I64
    total: int
    next: str | None


def searchable(session: OpenSession) -> Facts:
    """What can be asked of a session's rows. Preparing while its columns are made."""
    columns = session.columns
    rows = len(next(iter(columns.values())))
    return session.once("searchable", lambda: Facts(session.annotated, session.pool, columns, rows))


def search(facts: Facts, query: Query, limit: int, cursor: str | None = None, sieves: Sequence[Sieve] = ()) -> Hits:
    """The rows after a cursor that meet the query and pass these sieves, at most `limit` of them.

    BadRequest for conditions, a column or a cursor that cannot be asked; the nearest column is named.
    """
    limit = max(1, min(limit, MOST_HITS))
    after = FIRST if cursor is None else _read(cursor, query)
    scan = scan_of(facts, query, sieves)
    if query.sort is not None:
        return _sorted(facts, scan, query, limit, after)
    page = scan.page(limit, after.row)
    return Hits(page.rows, page.total, None if page.next is None else _cursor(Place(math.inf, page.next), query))


def scan_of(facts: Facts, query: Query, sieves: Sequence[Sieve] = ()) -> Scan:
    """The rows that meet a query, to be read in row order. BadRequest for what cannot be asked."""
    with blame_the_caller():
        scan = facts.scan(query.conditions())
    return replace(scan, sieves=[*scan.sieves, *sieves])


def _sorted(facts: Facts, scan: Scan, query: Query, limit: int, after: Place) -> Hits:
    name, smallest_first = _sort_of(query.sort or "", facts)
    best, total = BestRows(limit, after, smallest_first), 0
    for rows in scan.chunks():
        total += len(rows)
        if len(rows):
            best.add(rows, facts.read(name, rows).astype(np.float64))
    places = best.places()
    found = np.array([place.row for place in places], np.int64)
    return Hits(found, total, _cursor(places[-1], query) if best.beyond > len(places) else None)


def _sort_of(text: str, facts: Facts) -> tuple[str, bool]:
    """The column that a sort names, and whether its smallest value comes first."""
    name, smallest_first = text.removeprefix("-"), False
    for ending in (ASCENDING, DESCENDING):
        if name not in facts.names and name.endswith(ending):
            name, smallest_first = name.removesuffix(ending), ending == ASCENDING
    with blame_the_caller():
        facts.check([name])
    if name == VALUATION:
        raise BadRequest(f"sort={text}: {name} is text, which has no order: sort by a number")
    return name, smallest_first


@contextmanager
def blame_the_caller() -> Iterator[None]:
    """What is said about a question becomes a BadRequest."""
    try:
        yield
    except UserError as fault:
        raise fault if isinstance(fault, BadRequest) else BadRequest(str(fault)) from None


def _cursor(place: Place, query: Query) -> str:
    text = f"{place.row}/{place.value!r}/{query.digest}"
    return base64.urlsafe_b64encode(text.encode()).decode().rstrip("=")


def _read(cursor: str, query: Query) -> Place:
    try:
        text = base64.b64decode(cursor + "=" * (-len(cursor) % 4), altchars=b"-_", validate=True).decode("ascii")
        row, value, digest = text.split("/")
        place = Place(float(value), int(row))
    except (ValueError, binascii.Error):
        raise BadRequest("cursor is none that this server gave: take `next` of the page before, as it is") from None
    if digest != query.digest:
        raise BadRequest("cursor belongs to another question: ask again without it, or with the where and sort it had")
    if not -1 <= place.row < 2**62:
        raise BadRequest("cursor is none that this server gave: take `next` of the page before, as it is")
    return place
