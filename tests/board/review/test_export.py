import csv
import io
import json
import tracemalloc
from types import SimpleNamespace

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from review_sessions import columns_of, opened, two_sessions

from railyard.board.packs.schema import STEP
from railyard.board.packs.search import Facts
from railyard.board.review import export as exporting
from railyard.board.review.export import export
from railyard.board.review.problems import BadRequest
from railyard.board.review.search import Query, searchable
from railyard.core.store.shards import ShardSet

WHERES = st.sampled_from([None, "disagreement=1", "entropy>1.3, max_rank>=5", "row<37", "row<0", "valuation=search"])


@pytest.fixture(scope="module")
def session(tiny_pack, tmp_path_factory):
    out = tmp_path_factory.mktemp("out")
    two_sessions(tiny_pack, out)
    return opened(out)["fake"]


@pytest.fixture(scope="module")
def columns(session):
    return columns_of(session)


def made(session, where=None, format="csv", columns=None):
    file = export(searchable(session), Query(where), format, columns)
    return b"".join(file.pieces), file


def wanted(columns, where):
    if where is None:
        return columns["row"]
    masks = {
        "disagreement=1": lambda c: c["disagreement"] == 1,
        "entropy>1.3, max_rank>=5": lambda c: (c["entropy"] > np.float32(1.3)) & (c["max_rank"] >= 5),
        "row<37": lambda c: c["row"] < 37,
        "row<0": lambda c: c["row"] < 0,
        "valuation=search": lambda c: c["valuation"] == "search",
    }
    return np.flatnonzero(masks[where](columns))


@settings(max_examples=8)
@given(where=WHERES, batch=st.sampled_from([64, 8192]))
def test_csv_is_what_numpy_finds(session, columns, where, batch):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(exporting, "BATCH", batch)
        data, file = made(session, where)
    rows = wanted(columns, where)
    header, *lines = csv.reader(io.StringIO(data.decode()))
    assert header[:4] == ["row", "run_id", "step_index", "valuation"]
    assert set(session.columns) < set(header)
    assert (file.rows, file.total) == (len(rows), len(rows)) == (len(lines), len(lines))
    for place, name in enumerate(header):
        texts = [line[place] for line in lines]
        if name == "valuation":
            assert texts == columns[name][rows].tolist()
        else:
            values = np.array([text or "nan" for text in texts], columns[name].dtype)
            assert np.array_equal(values, columns[name][rows], equal_nan=values.dtype.kind == "f")


@settings(max_examples=8)
@given(where=WHERES)
def test_json_lines_are_what_numpy_finds(session, columns, where):
    names = ["run_id", "ev_loss", "valuation", "score", "logit_gap"]
    data, _ = made(session, where, "jsonl", names)
    found = [json.loads(line) for line in data.splitlines()]
    rows = wanted(columns, where)
    assert len(found) == len(rows)
    assert all(list(line) == names for line in found)
    for name in names:
        values = columns[name][rows]
        for line, value in zip(found, values.tolist(), strict=True):
            if isinstance(value, float) and not np.isfinite(value):
                assert line[name] is None
            elif isinstance(value, float):
                assert np.float32(line[name]) == np.float32(value)
            else:
                assert line[name] == value


@settings(max_examples=6)
@given(where=WHERES)
def test_npz_is_what_numpy_finds(session, columns, where):
    data, _ = made(session, where, "npz")
    found = np.load(io.BytesIO(data), allow_pickle=False)
    rows = wanted(columns, where)
    assert found["total"] == len(rows)
    assert not found["cut"]
    for name in set(found) - {"total", "cut"}:
        is_number = columns[name].dtype.kind == "f"
        assert np.array_equal(found[name], columns[name][rows], equal_nan=is_number), name


def test_a_file_that_was_cut_says_so(session, columns, monkeypatch):
    monkeypatch.setattr(exporting, "MOST_EXPORTED", 100)
    total = len(session)
    data, file = made(session, None, "csv", ["row"])
    lines = data.decode().splitlines()
    assert lines[0] == "row"
    assert lines[1:-1] == [str(row) for row in range(100)]
    assert lines[-1] == f"# cut at 100 of {total} rows"
    assert (file.rows, file.total) == (100, total)
    data, _ = made(session, None, "jsonl", ["row"])
    last = json.loads(data.splitlines()[-1])
    assert last == {"cut_at": 100, "total": total}
    assert len(data.splitlines()) == 101
    found = np.load(io.BytesIO(made(session, None, "npz", ["row"])[0]), allow_pickle=False)
    assert found["cut"]
    assert found["total"] == total
    assert found["row"].tolist() == list(range(100))


def test_names_and_conditions_that_are_none(session):
    with pytest.raises(BadRequest, match="there is no column 'entropi'; did you mean 'entropy'"):
        made(session, None, "csv", ["entropi"])
    with pytest.raises(BadRequest, match="there is no column 'nothing'"):
        made(session, "nothing=1")


def test_facts_of_runs_that_nobody_knows(session):
    values = np.array([5.0, np.nan, 7.0])
    cells = exporting._cells(values, b"null", False, None)
    texts = [row[:length].tobytes() for row, length in zip(*cells, strict=True)]
    assert texts == [b"5", b"null", b"7"]


@pytest.mark.parametrize("format", ["csv", "jsonl", "npz"])
def test_memory_is_that_of_a_piece(session, format, monkeypatch):
    """A tenth of the file at the most, whatever its length."""
    monkeypatch.setattr(exporting, "BATCH", 16)
    export(searchable(session), Query(), format).pieces.__next__()
    tracemalloc.start()
    size = sum(len(piece) for piece in export(searchable(session), Query(), format).pieces)
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert size > 50_000
    # the row numbers and one column of an archive, some KB of one piece of text
    assert peak < 600_000


@pytest.mark.slow
@pytest.mark.parametrize("format", ["csv", "jsonl", "npz"])
def test_a_million_rows_in_flat_memory_cut_with_a_mark(tmp_path, format):
    rows = exporting.MOST_EXPORTED + 200_000
    columns = {}
    for name in ("entropy", "logit_gap"):
        (tmp_path / name).mkdir()
        np.save(tmp_path / name / f"{name}-00000.npy", np.random.default_rng(1).random(rows, np.float32))
        columns[name] = ShardSet.open(tmp_path / name, name, np.dtype("<f4"))
    np.save(tmp_path / "steps.npy", np.zeros(rows, STEP))
    pool = SimpleNamespace(
        rows=ShardSet.open(tmp_path, "steps", STEP), runs=SimpleNamespace(id=np.zeros(1, np.int64)), valuation_names=()
    )
    facts = Facts(SimpleNamespace(path=tmp_path, source={}), pool, columns, rows)
    list(export(facts, Query("row<9"), format).pieces)
    tracemalloc.start()
    file = export(facts, Query(), format)
    size, last = 0, b""
    for piece in file.pieces:
        size += len(piece)
        last = piece or last
    peak = tracemalloc.get_traced_memory()[1]
    tracemalloc.stop()
    assert (file.rows, file.total) == (exporting.MOST_EXPORTED, rows)
    assert size > 15e6
    assert peak < 40e6  # one array of an archive and the row numbers have 8 MB each, their copies too
    if format != "npz":
        assert b"cut" in last.splitlines()[-1]
