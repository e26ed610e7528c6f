"""Scans against NumPy over whole arrays, for every kind of condition, shard border and page."""

import math

import numpy as np
import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from railyard.core.store import scanning
from railyard.core.store.scanning import EVERY, ByCode, ByKey, InColumn, InRow, Interval, Scan, above, below, equal
from railyard.core.store.shards import ShardSet

ROWS = 1000
RECORD = np.dtype([("key", "<u4"), ("code", "u1"), ("wide", "<u8"), ("value", "<f4")])
EDGES = [0.0, 0.1, 0.25, 1.0, -1.0, math.inf, -math.inf]


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(scanning, "CHUNK", 96)


@pytest.fixture(scope="module")
def columns(tmp_path_factory):
    """Two families of unequal shards and the arrays that they hold."""
    folder, random = tmp_path_factory.mktemp("columns"), np.random.default_rng(0)
    numbers = random.choice(np.array([0, 0.1, 0.2, 0.25, 1, -1, np.nan, np.inf, -np.inf], np.float32), ROWS)
    records = np.zeros(ROWS, RECORD)
    records["key"] = np.sort(random.integers(0, 40, ROWS))
    records["code"], records["wide"] = random.integers(0, 256, (2, ROWS))
    records["wide"][:3] = 2**64 - 1, 2**63, 2**53 + 1
    records["value"] = random.random(ROWS)
    for shard, (a, b) in enumerate([(0, 7), (7, 500), (500, ROWS)]):
        np.save(folder / f"number-{shard:05d}.npy", numbers[a:b])
    for shard, (a, b) in enumerate([(0, 333), (333, 334), (334, ROWS)]):
        np.save(folder / f"record-{shard:05d}.npy", records[a:b])
    families = ShardSet.open(folder, "number", np.dtype("<f4")), ShardSet.open(folder, "record", RECORD)
    return *families, numbers, records


INTERVALS = st.builds(
    Interval,
    st.sampled_from(EDGES),
    st.sampled_from(EDGES),
    st.booleans(),
    st.booleans(),
    st.booleans(),
)


def inside(values, wanted):
    low = values > np.float32(wanted.low) if wanted.low_is_open else values >= np.float32(wanted.low)
    high = values < np.float32(wanted.high) if wanted.high_is_open else values <= np.float32(wanted.high)
    return (low & high) != wanted.outside


@settings(suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(INTERVALS, max_size=3), st.integers(1, 3), st.data())
def test_rows_count_chunks_and_pages_are_those_of_numpy(columns, wanted, threads, data):
    family, _, numbers, _ = columns
    scan = Scan(ROWS, [InColumn(family, each) for each in wanted], threads)
    expected = np.flatnonzero(np.logical_and.reduce([np.ones(ROWS, bool), *(inside(numbers, each) for each in wanted)]))
    assert scan.count() == len(expected)
    assert np.concatenate(list(scan.chunks())).tolist() == expected.tolist()
    limit, after = data.draw(st.integers(1, 40)), data.draw(st.integers(-1, ROWS))
    assert scan.rows(limit).tolist() == expected[:limit].tolist()
    beyond = expected[expected > after]
    page = scan.page(limit, after)
    assert page.rows.tolist() == beyond[:limit].tolist()
    assert page.total == len(expected)
    assert page.next == (beyond[limit - 1] if len(beyond) > limit else None)
    assert np.concatenate([np.empty(0, np.int64), *scan.chunks(after)]).tolist() == beyond.tolist()


def test_pages_one_after_another_hold_every_row_once(columns):
    scan, found, after = Scan(ROWS, [InColumn(columns[0], above(0))]), [], -1
    while after is not None:
        page = scan.page(17, after)
        found += page.rows.tolist()
        after = page.next
    assert found == scan.rows().tolist()
    assert len(found) > 100


@pytest.mark.parametrize(
    ("wanted", "expected"),
    [
        (equal(5), lambda v: v == 5),
        (equal(5).others(), lambda v: v != 5),
        (equal(5.5), lambda v: v < 0),
        (equal(5.5).others(), lambda v: v >= 0),
        (above(5), lambda v: v > 5),
        (above(5.5), lambda v: v > 5),
        (below(5), lambda v: v < 5),
        (below(5.5), lambda v: v <= 5),
        (below(-1), lambda v: v < 0),
        (above(1e30), lambda v: v < 0),
        (below(1e30), lambda v: v >= 0),
        (equal(2**53 + 1), lambda v: v == np.uint64(2**53 + 1)),
        (above(2**63), lambda v: v > np.uint64(2**63)),
        (EVERY, lambda v: v >= 0),
        (EVERY.others(), lambda v: v < 0),
    ],
)
@pytest.mark.parametrize("field", ["key", "code", "wide"])
def test_integers_are_compared_exactly(columns, wanted, expected, field):
    found = Scan(ROWS, [InColumn(columns[1], wanted, field)]).rows()
    assert found.tolist() == np.flatnonzero(expected(columns[3][field].astype(np.uint64))).tolist()


def test_codes_keys_and_rows(columns):
    _, family, _, records = columns
    verdicts = np.arange(256) % 3 == 0
    keys, of_keys = np.arange(0, 40, 2), np.arange(20) % 4 == 1
    for otherwise in (False, True):
        scan = Scan(
            ROWS,
            [
                ByCode(family, "code", verdicts),
                ByKey(family, "key", keys, of_keys, otherwise),
                InRow(Interval(100, 900, True)),
            ],
        )
        known = np.where(records["key"] % 2 == 0, of_keys[records["key"] // 2], otherwise)
        rows = np.arange(ROWS)
        expected = verdicts[records["code"]] & known & (rows > 100) & (rows <= 900)
        assert scan.rows().tolist() == np.flatnonzero(expected).tolist()


def test_no_condition_is_every_row():
    assert Scan(250, []).rows().tolist() == list(range(250))
    assert Scan(250, []).count() == 250
    assert Scan(0, []).rows().tolist() == []
    assert Scan(0, []).page(5) == (pytest.approx([]), 0, None)


def test_a_limit_ends_the_reading(columns):
    seen = []

    class Watched:
        def strike(self, first, marks_n):
            seen.append(first)

    assert len(Scan(10**9, [Watched()], 1).rows(10)) == 10
    assert len(seen) < 20
