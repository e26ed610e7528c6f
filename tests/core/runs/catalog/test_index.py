"""The index: what it keeps, and that it can be lost, torn, foreign or unwritable without anybody missing a run."""

import os
import sqlite3
import tempfile
from pathlib import Path

import pytest

from railyard.core.runs.catalog.index import FILE, opened
from railyard.core.runs.catalog.record import Record


def reading(seen, **details):
    def read(path):
        seen.append(path)
        return Record(name=path, path=path), {"seed": len(seen), **details}

    return read


def refresh(root, found, **details):
    """The paths that were read, and the rows that are there."""
    seen = []
    with opened(root) as index:
        index.refresh(found, reading(seen, **details), lambda done, total: None)
        return seen, {row["path"] for row in index.rows()}


def test_only_what_is_new_or_changed_is_read_and_what_is_gone_vanishes(tmp_path):
    assert refresh(tmp_path, {"a": "1", "b": "1", "c": ""}) == (["a", "b", "c"], {"a", "b", "c"})
    assert refresh(tmp_path, {"a": "1", "b": "2", "c": "", "d": "1"}) == (["b", "c", "d"], {"a", "b", "c", "d"})
    assert refresh(tmp_path, {"a": "1"}) == ([], {"a"})


def test_details_keep_their_types(tmp_path):
    kept = {
        "flag": True,
        "off": False,
        "none": None,
        "list": [1, "x"],
        "val/loss": 0.1,
        "a.b": "text",
        "nan": float("nan"),
    }
    with opened(tmp_path) as index:
        index.refresh({"a": "1"}, reading([], **kept), lambda done, total: None)
        (row,) = index.rows([*kept, "absent", 'odd"key'])
        assert {key: row[key] for key in kept} == {**kept, "nan": "nan"}
        assert "absent" not in row
        assert index.details("a")["a.b"] == "text"
        assert set(index.keys()) == {*kept, "seed"}


def test_many_folders_are_kept_in_parts(tmp_path, monkeypatch):
    monkeypatch.setattr("railyard.core.runs.catalog.index.BATCH", 2)
    ticks = []

    def failing(path):
        if path == "4":
            raise KeyboardInterrupt
        return Record(name=path, path=path), {}

    found = {str(number): "1" for number in range(6)}
    with opened(tmp_path) as index, pytest.raises(KeyboardInterrupt):
        index.refresh(found, failing, lambda done, total: ticks.append((done, total)))
    assert ticks == [(2, 6), (4, 6)]
    assert refresh(tmp_path, found)[0] == ["4", "5"]


@pytest.mark.parametrize("harm", ["torn", "text", "other version", "another's"])
def test_what_cannot_be_used_is_made_anew_with_a_line(tmp_path, harm, caplog):
    refresh(tmp_path, {str(number): "1" for number in range(200)})
    path = tmp_path / FILE
    if harm == "torn":
        os.truncate(path, path.stat().st_size // 2)
    elif harm == "text":
        path.write_text("not a database, but long enough to look at " * 30)
    else:
        with sqlite3.connect(path) as connection:
            connection.execute("PRAGMA user_version = 99" if harm == "other version" else "PRAGMA application_id = 7")
        connection.close()
    with caplog.at_level("INFO"):
        assert refresh(tmp_path, {"a": "1"}) == (["a"], {"a"})
    assert "making it anew" in caplog.text
    caplog.clear()
    assert refresh(tmp_path, {"a": "1"}) == ([], {"a"})
    assert caplog.text == ""


@pytest.fixture
def unwritable():
    """A root that may be read and not written, also where tests run as root."""
    with tempfile.TemporaryDirectory() as name:
        root = Path(name)
        before = os.geteuid()

        def close():
            root.chmod(0o555)
            if before == 0:
                os.seteuid(65534)
            return root

        yield root, close
        os.seteuid(before)
        root.chmod(0o755)


def test_a_root_that_may_not_be_written_is_read_each_time(unwritable):
    root, close = unwritable
    close()
    assert refresh(root, {"a": "1"}) == (["a"], {"a"})
    assert refresh(root, {"a": "1"}) == (["a"], {"a"})
    assert list(root.iterdir()) == []


def test_an_index_that_somebody_else_left_there_is_used(unwritable):
    root, close = unwritable
    refresh(root, {"a": "1", "b": "1"})
    before = (root / FILE).read_bytes()
    close()
    assert refresh(root, {"a": "1", "b": "2"}) == (["b"], {"a", "b"})
    assert (root / FILE).read_bytes() == before
