import math
import shutil

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from review_sessions import columns_of, opened, two_sessions

from railyard.board.packs.search import Facts
from railyard.board.review import limits
from railyard.board.review.problems import BadRequest
from railyard.board.review.search import Query, search, searchable
from railyard.core.store.scanning import InColumn, equal

NUMBERS = (
    "entropy",
    "logit_gap",
    "ev_loss",
    "played",
    "max_rank",
    "disagreement",
    "steps",
    "score",
    "step_index",
    "row",
)
COMPARE = {
    "=": np.equal,
    "!=": np.not_equal,
    "<": np.less,
    "<=": np.less_equal,
    ">": np.greater,
    ">=": np.greater_equal,
}


@pytest.fixture(scope="module")
def session(tiny_pack, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    two_sessions(tiny_pack, out)
    return opened(out)["fake"]


@pytest.fixture(scope="module")
def columns(session):
    return columns_of(session)


def pages(session, query, limit, **keys):
    """All hits of all pages, and the totals that the pages said."""
    found, totals, cursor = [], set(), None
    for _ in range(len(session) + 2):
        page = search(searchable(session), query, limit, cursor, **keys)
        assert len(page.rows) <= limit
        found += page.rows.tolist()
        totals.add(page.total)
        cursor = page.next
        if cursor is None:
            return found, totals
    raise AssertionError("there is no end of pages")


@st.composite
def conditions(draw, columns):
    name = draw(st.sampled_from(NUMBERS))
    values = columns[name]
    value = float(values[draw(st.integers(0, len(values) - 1))])
    value = value if math.isfinite(value) else 0.5
    return name, draw(st.sampled_from(list(COMPARE))), value


def plainly(columns, asked):
    found = np.ones(len(columns["row"]), np.bool_)
    for name, operator, value in asked:
        kind = np.float32 if columns[name].dtype == np.float32 else np.float64
        found &= COMPARE[operator](columns[name].astype(kind), kind(value))
    return np.flatnonzero(found)


def where_of(asked):
    return ", ".join(f"{name}{operator}{value!r}" for name, operator, value in asked)


@settings(max_examples=25)
@given(data=st.data())
def test_pages_hold_every_hit_once_as_numpy_finds_them(session, columns, data):
    asked = data.draw(st.lists(conditions(columns), max_size=3))
    wanted = plainly(columns, asked)
    limit = data.draw(st.sampled_from([7, 100, 1000]))
    if len(wanted) > 200 * limit:
        limit = 1000
    found, totals = pages(session, Query(where_of(asked)), limit)
    assert found == wanted.tolist()
    assert totals == {len(wanted)}


@settings(max_examples=25)
@given(data=st.data())
def test_sorted_pages_hold_every_hit_once_the_best_first(session, columns, data):
    asked = data.draw(st.lists(conditions(columns), max_size=2))
    name = data.draw(st.sampled_from(NUMBERS))
    sort = data.draw(st.sampled_from([name, f"-{name}", f"{name}_asc", f"{name}_desc"]))
    sign = 1 if sort.endswith("_asc") else -1
    wanted = plainly(columns, asked)
    values = columns[name].astype(np.float64)[wanted]
    order = np.lexsort((wanted, np.where(np.isnan(values), 0, sign * values), np.isnan(values)))
    found, totals = pages(session, Query(where_of(asked), sort=sort), 400)
    assert found == wanted[order].tolist()
    assert totals == {len(wanted)}


def test_a_metric_with_bounds(session, columns):
    values = columns["logit_gap"]
    low, high = np.quantile(values[np.isfinite(values)], [0.3, 0.6]).tolist()
    for query, wanted in [
        (Query(metric="logit_gap", low=low, high=high), (values >= np.float32(low)) & (values <= np.float32(high))),
        (Query(metric="logit_gap", low=low), values >= np.float32(low)),
        (Query("max_rank>=5", "logit_gap", high=high), (columns["max_rank"] >= 5) & (values <= np.float32(high))),
        (Query(metric="ev_loss"), ~np.isnan(columns["ev_loss"])),
        (Query(metric="logit_gap", low=-math.inf, high=math.inf), ~np.isnan(values)),
    ]:
        assert pages(session, query, 1000)[0] == np.flatnonzero(wanted).tolist()


def test_text_and_facts_of_runs(session, columns):
    highest = int(columns["score"].max())
    found, _ = pages(session, Query(f"valuation=search, score={highest}"), 1000)
    wanted = (columns["valuation"] == "search") & (columns["score"] == highest)
    assert found == np.flatnonzero(wanted).tolist()
    assert found


def test_only_what_passes_the_sieves(session, columns):
    found, totals = pages(session, Query(), 1000, sieves=[InColumn(session.columns["disagreement"], equal(1))])
    assert found == np.flatnonzero(columns["disagreement"] == 1).tolist()
    assert totals == {len(found)}


def test_limits_are_cut(session, monkeypatch):
    assert len(search(searchable(session), Query(), 0).rows) == 1
    assert len(search(searchable(session), Query(), 10**12).rows) == min(len(session), limits.MOST_HITS)


@pytest.mark.parametrize(
    ("query", "message"),
    [
        (Query("entropi>1"), "there is no column 'entropi'; did you mean 'entropy'"),
        (Query(sort="entropi"), "there is no column 'entropi'; did you mean 'entropy'"),
        (Query(metric="logit_gp", low=1), "there is no column 'logit_gp'; did you mean 'logit_gap'"),
        (Query("entropy ?? 1"), "where: "),
        (Query("entropy=high"), "entropy holds numbers, got 'high'"),
        (Query(sort="valuation"), "valuation is text, which has no order"),
        (Query(low=1.0), "min and max are bounds of a metric"),
        (Query(metric="entropy", high=math.nan), "max=nan is no bound"),
    ],
)
def test_questions_that_cannot_be_asked(session, query, message):
    with pytest.raises(BadRequest) as caught:
        search(searchable(session), query, 10)
    assert message.rstrip("'") in str(caught.value)


@pytest.mark.parametrize("cursor", ["", "x", "MTIz", "////", "é", "LTUvaW5mLzAwMA", "a" * 300])
def test_cursors_that_are_none(session, cursor):
    with pytest.raises(BadRequest, match="cursor"):
        search(searchable(session), Query(), 10, cursor)


def test_a_cursor_belongs_to_its_question(session):
    page = search(searchable(session), Query("max_rank>1"), 10)
    with pytest.raises(BadRequest, match="cursor belongs to another question"):
        search(searchable(session), Query("max_rank>2"), 10, page.next)
    with pytest.raises(BadRequest, match="cursor belongs to another question"):
        search(searchable(session), Query("max_rank>1", sort="entropy"), 10, page.next)


@pytest.mark.parametrize("sort", [None, "entropy"])
def test_a_cursor_stays_valid_while_rows_are_added(session, tmp_path, sort):
    """The same columns, once as far as they were written, once whole."""
    whole = dict(session.columns)
    for name in whole:
        folder = tmp_path / name
        folder.mkdir()
        np.save(folder / f"{name}-00000.npy", session.column(name, np.arange(700)))
    from railyard.core.store.shards import ShardSet

    part = {name: ShardSet.open(tmp_path / name, name, np.dtype("<f4")) for name in whole}
    early = Facts(session.annotated, session.pool, part, 700)
    late = Facts(session.annotated, session.pool, whole, len(session))
    query = Query("max_rank>=2", sort=sort)
    first = search(early, query, 50)
    rest, cursor = [], first.next
    while cursor:
        page = search(late, query, 1000, cursor)
        rest += page.rows.tolist()
        cursor = page.next
    assert not set(first.rows.tolist()) & set(rest)
    assert len(rest) == len(set(rest))
    old = set(np.flatnonzero(session.column("max_rank", np.arange(700)) >= 2).tolist())
    assert old <= {*first.rows.tolist(), *rest}


def test_a_session_that_is_shorter_than_its_pool(tiny_pack, tmp_path):
    two_sessions(tiny_pack, tmp_path / "out", limit=300)
    session = opened(tmp_path / "out")["fake"]
    page = search(searchable(session), Query("max_rank>=0"), 1000)
    assert page.rows.tolist() == list(range(300))
    shutil.rmtree(tmp_path / "out")
