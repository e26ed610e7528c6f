"""The files of a cache: what counts as whole and valid, and what `show` says of them."""

import json

import numpy as np
import pytest

from railyard.board.rail import FilterCaches
from railyard.board.training.filters import cache
from railyard.core.errors import UserError

FACTS = {
    "validity": "v",
    "filter": {"name": "query", "params": {"where": "a>1"}},
    "dataset": "data/pack",
    "annotation": "annotations/x",
    "manifest_sha256": "0" * 64,
    "pack_rows": 10,
    "count": 3,
    "coverage": 0.3,
    "first": 2,
    "last": 7,
}


@pytest.mark.parametrize("dtype", [np.uint32, np.int64])
def test_rows_come_back(tmp_path, dtype):
    cache.write(tmp_path, "a", np.array([2, 3, 7], dtype), FACTS)
    found = cache.read(tmp_path, "a", "v")
    assert found.rows.tolist() == [2, 3, 7]
    assert found.rows.dtype == dtype
    assert cache.read(tmp_path, "b", "v") == (None, "")
    assert "have changed" in cache.read(tmp_path, "a", "other").stale


def test_validity_depends_on_every_part():
    parts = ({"name": "query"}, "manifest", "pool", 10)
    others = ({"name": "all"}, "m", "p", 11)
    found = {cache.validity(*parts)}
    for place, other in enumerate(others):
        found.add(cache.validity(*parts[:place], other, *parts[place + 1 :]))
    assert len(found) == 5


@pytest.mark.parametrize("rows", [[2, 3, 8], [1, 3, 7], [2, 3], [2, 3, 4, 7]])
def test_other_rows_than_it_was_made_with_are_not_taken(tmp_path, rows):
    cache.write(tmp_path, "a", np.array([2, 3, 7], np.uint32), FACTS)
    np.save(tmp_path / "a.npy", np.array(rows, np.uint32))
    assert cache.read(tmp_path, "a", "v").rows is None


def test_another_version_is_not_read(tmp_path):
    cache.write(tmp_path, "a", np.array([2, 3, 7], np.uint32), FACTS)
    said = json.loads((tmp_path / "a.json").read_text())
    (tmp_path / "a.json").write_text(json.dumps({**said, "schema_version": 99}))
    assert cache.read(tmp_path, "a", "v").stale == "another version of Railyard wrote it"


def test_show_describes_one_and_a_folder(tmp_path):
    cache.write(tmp_path, "a", np.array([2, 3, 7], np.uint32), FACTS)
    artifact = FilterCaches()
    for path in (tmp_path / "a.npy", tmp_path / "a.json"):
        assert artifact.fits(path)
        found = artifact.describe(path, None)
        assert (found["kind"], found["id"], found["count"], found["bytes"]) == ("filter cache", "a", 3, 12)
        assert found["integrity"] == "whole"
    assert artifact.fits(tmp_path)
    folder = artifact.describe(tmp_path, None)
    assert ([each["id"] for each in folder["caches"]], folder["rows_by_id"]) == (["a"], {"a": 3})
    np.save(tmp_path / "a.npy", np.array([2], np.uint32))
    assert "holds 1 rows, not 3" in artifact.describe(tmp_path / "a.json", None)["integrity"]


def test_what_is_no_cache(tmp_path):
    (tmp_path / "tokenizer.json").write_text("{}")
    (tmp_path / "list.json").write_text("[]")
    np.save(tmp_path / "tokenizer.npy", np.zeros(3))
    for path in (tmp_path / "tokenizer.json", tmp_path / "list.json", tmp_path / "tokenizer.npy", tmp_path):
        assert not cache.is_cache(path)
    cache.write(tmp_path, "a", np.array([2, 3, 7], np.uint32), FACTS)
    (tmp_path / "a.json").write_text(json.dumps({**FACTS, "schema_version": 1}))
    with pytest.raises(UserError, match="delete it, it is made again"):
        cache.describe(tmp_path / "a.json")
