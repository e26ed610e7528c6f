"""What a mix selects of a pack: annotations that fit and that do not, caches that are valid and that are not."""

import json
import shutil

import numpy as np
import pytest
from annotators import annotate, facts
from pools import as_selfplay, write_pool

from railyard.board.annotation.session import Session
from railyard.board.packs.pack import Pack
from railyard.board.training.filters import alignment
from railyard.board.training.filters.filter import Filter
from railyard.board.training.filters.source import open_pool
from railyard.board.training.rejection.config import NamedFilter, ResolvedMix
from railyard.board.training.rejection.selecting import filter_named, select, selected
from railyard.core.config.component import Component
from railyard.core.errors import UserError
from railyard.core.store.durable import sha256_of

WRONG = NamedFilter(name="student_wrong_p1")


@pytest.fixture(scope="module")
def folder(tiny_pack, tmp_path_factory):
    return annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts())[0]


@pytest.fixture(scope="module")
def pack(tiny_pack):
    return Pack.open(tiny_pack)


@pytest.fixture
def foreign(folder, tmp_path):
    """Annotations as the reference leaves them: neither source.json nor a checksum."""
    bare = tmp_path / "foreign"
    bare.mkdir()
    for file in folder.glob("annotations-*.npy"):
        shutil.copy(file, bare)
    manifest = json.loads((folder / "annotation_manifest.json").read_text())
    kept = {key: manifest[key] for key in ("kinds", "runs", "student_bins")}
    (bare / "annotation_manifest.json").write_text(json.dumps(kept))
    return bare


def mix(annotation, wanted=WRONG, name="errors"):
    return ResolvedMix(name, None, annotation, wanted, 1.0, False)


def wrong_rows(folder):
    # these models' best moves are legal or not, so the search says it of the heads as they stand
    rows = Session(folder)._session.annotations.gather(np.arange(1200))
    legal = rows["legal_mask"] >> np.minimum(rows["teacher_move"], 7) & 1
    return np.flatnonzero((legal == 1) & (rows["argmax_head"] != rows["teacher_move"])).tolist()


def test_passthrough_takes_all_rows_without_an_array(pack, folder, tmp_path):
    everything = NamedFilter(name="passthrough")
    found = select(mix(None, everything), pack)
    assert found.rows == range(len(pack))
    assert (found.matched, found.coverage, found.session) == (len(pack), 1.0, None)
    with_folder = select(mix(folder, everything), pack, tmp_path / "cache")
    assert with_folder.rows == range(len(pack))
    assert with_folder.session == sha256_of(folder / "annotation_manifest.json")
    assert not (tmp_path / "cache").exists()


def test_a_filter_over_a_session(pack, folder):
    found = select(mix(folder), pack)
    assert found.rows.tolist() == wrong_rows(folder)
    assert found.session == sha256_of(folder / "annotation_manifest.json")
    assert found.facts["filter"] == {"name": "student_wrong_p1", "params": {}}
    assert found.facts["session_id"] == Session(folder).source["id"]
    assert found.warnings == ()


def test_annotations_made_elsewhere_are_compared_row_by_row(pack, foreign, folder, tmp_path):
    assert select(mix(foreign), pack).rows.tolist() == wrong_rows(folder)
    shard = foreign / "annotations-00000.npy"
    rows = np.load(shard)
    np.save(shard, rows[::-1])
    for cache_dir in (None, tmp_path / "cache"):
        with pytest.raises(UserError, match=r"is not aligned to .*: run_id and step_index of their rows differ"):
            select(mix(foreign), pack, cache_dir)
    assert not (tmp_path / "cache" / "errors.npy").exists()


def test_a_session_is_compared_row_by_row_when_a_cache_is_made(pack, folder, tmp_path, monkeypatch):
    copy = shutil.copytree(folder, tmp_path / "session")
    manifest = json.loads((copy / "annotation_manifest.json").read_text())
    manifest["alignment"]["checksum"] = "0" * 16
    (copy / "annotation_manifest.json").write_text(json.dumps(manifest))
    assert select(mix(copy), pack).matched > 0
    with pytest.raises(UserError, match="is not aligned to"):
        select(mix(copy), pack, tmp_path / "cache")
    manifest.pop("alignment")
    (copy / "annotation_manifest.json").write_text(json.dumps(manifest))
    assert select(mix(copy), pack, tmp_path / "cache").matched > 0  # by the annotations themselves
    monkeypatch.setattr(alignment, "check_every_row", lambda source: pytest.fail("a valid cache is taken as it is"))
    assert select(mix(copy), pack, tmp_path / "cache").matched > 0


def test_a_shorter_session_and_another_packs(pack, folder, tiny_pack, tmp_path, fixtures):
    short, _ = annotate(tiny_pack, tmp_path / "short", facts(), limit=500)
    with pytest.raises(UserError, match=r"has annotations of 500 rows, .* has 1,200: they are joined row"):
        select(mix(short), pack)
    source = json.loads((folder / "source.json").read_text())
    copy = shutil.copytree(folder, tmp_path / "session")
    (copy / "source.json").write_text(json.dumps({**source, "pool_fingerprint": "0" * 64}))
    with pytest.raises(UserError, match="was made of another pool than"):
        select(mix(copy), pack)
    with pytest.raises(UserError, match="no session at"):
        select(mix(tmp_path / "nowhere"), pack)
    (copy / "annotation_manifest.json").unlink()
    with pytest.raises(UserError, match="never completed"):
        select(mix(copy), pack)


def test_a_filter_without_its_input(pack, tiny_pack, tmp_path):
    bare, _ = annotate(tiny_pack, tmp_path / "bare", facts(), products=["metrics"])
    with pytest.raises(UserError, match=r"student_wrong_p1 needs teacher_move, policy_p1, argmax_head, which "):
        select(mix(bare), pack)
    rows, runs, _ = as_selfplay(pack)
    pool = write_pool(tmp_path / "pool", rows, runs)
    of_pool, _ = annotate(pool, tmp_path / "out", facts())
    with pytest.raises(UserError, match=r"needs teacher_move, .*is a self-play pool, whose rows name no"):
        selected("errors", WRONG, open_pool(pool), of_pool)
    low = NamedFilter(name="low_confidence", params={"max_prob": 0.5})
    assert selected("low", low, open_pool(pool), of_pool, tmp_path / "cache").matched > 0  # aligned by step_idx


def test_caches_are_read_back(pack, folder, tmp_path, monkeypatch):
    made = select(mix(folder), pack, tmp_path)
    assert np.load(tmp_path / "errors.npy").tolist() == made.rows.tolist() == wrong_rows(folder)
    said = json.loads((tmp_path / "errors.json").read_text())
    assert (said["count"], said["pack_rows"], said["filter"]["name"]) == (made.matched, 1200, "student_wrong_p1")
    monkeypatch.setattr(Filter, "select", lambda self, source: pytest.fail("the cache is valid"))
    again = select(mix(folder), pack, tmp_path)
    assert again.rows.tolist() == made.rows.tolist()
    assert (again.session, again.facts, again.warnings) == (made.session, made.facts, ())


def test_a_stale_cache_is_made_again_with_a_line(pack, folder, tmp_path):
    select(mix(folder), pack, tmp_path)
    low = NamedFilter(name="low_confidence", params={"max_prob": 0.4})
    found = select(mix(folder, low), pack, tmp_path)
    assert found.warnings == (
        f"the cache {tmp_path}/errors.npy was made again: the filter, the annotations or the pool have changed",
    )
    assert found.rows.tolist() == select(mix(folder, low), pack).rows.tolist()
    assert select(mix(folder, low), pack, tmp_path).warnings == ()
    for damage in (lambda file: file.write_bytes(b"x"), lambda file: file.write_bytes(file.read_bytes()[:-8])):
        damage(tmp_path / "errors.npy")
        assert len(select(mix(folder, low), pack, tmp_path).warnings) == 1
    (tmp_path / "errors.json").write_text("{")
    (line,) = select(mix(folder, low), pack, tmp_path).warnings
    assert "errors.json cannot be read" in line


def test_an_empty_selection_is_kept_as_well(pack, folder, tmp_path):
    none = NamedFilter(name="query", params={"where": "row<0"})
    for _ in range(2):
        found = select(mix(folder, none), pack, tmp_path)
        assert (found.matched, found.coverage, found.warnings) == (0, 0.0, ())


def test_a_cache_folder_that_cannot_be_written(pack, folder, tmp_path):
    (tmp_path / "file").write_text("")
    with pytest.raises(UserError, match=r"cache_dir=.*file cannot be written \(.*\): name another folder"):
        select(mix(folder), pack, tmp_path / "file")


class NoFilter(Component):
    """A component of another kind."""


def test_what_is_no_filter():
    with pytest.raises(UserError, match="NoFilter is no filter: derive it from railyard"):
        filter_named(NoFilter())
