import json

import numpy as np
import pytest

from railyard.board.game.endgame import tables
from railyard.board.game.endgame.sizes import patterns
from railyard.board.game.endgame.solver import solve
from railyard.board.game.endgame.tables import EndgameTables, build
from railyard.core.errors import RailyardError, UserError
from railyard.core.store import durable

TINY = patterns("tiny")


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("endgame") / "tiny"
    build(folder, "tiny", threads=2)
    return folder


def test_tables_are_read_as_they_were_solved(tiny):
    opened = EndgameTables.open(tiny)
    assert opened.patterns == TINY
    assert opened.names == ("table11", "table10")
    for pattern, chances in zip(opened.patterns, opened.chances, strict=True):
        assert np.array_equal(chances, solve(pattern))
        assert 0 < chances.mean() < 65535
    durable.check_manifest(tiny)


def test_a_second_build_finds_the_first(tiny, monkeypatch):
    monkeypatch.setattr(tables, "solve", None)
    assert build(tiny, "tiny")["already_there"]


def test_a_stopped_build_goes_on_at_its_first_missing_table(tiny, tmp_path, monkeypatch):
    solved = []

    def stopping(pattern, threads, tick):
        if len(solved) == 1:
            raise KeyboardInterrupt
        solved.append(pattern.key)
        return solve(pattern, threads, tick)

    monkeypatch.setattr(tables, "solve", stopping)
    with pytest.raises(KeyboardInterrupt):
        build(tmp_path / "tables", "tiny")
    assert not (tmp_path / "tables").exists()
    monkeypatch.setattr(tables, "solve", lambda pattern, *rest: solved.append(pattern.key) or solve(pattern))
    build(tmp_path / "tables", "tiny")
    assert solved == [pattern.key for pattern in TINY]
    assert {f.name: f.read_bytes() for f in (tmp_path / "tables").iterdir()} == {
        f.name: f.read_bytes() for f in tiny.iterdir()
    }


def test_a_table_that_was_damaged_meanwhile_is_solved_again(tmp_path, monkeypatch):
    def stop(*facts):
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(tables, "publish", stop)
        with pytest.raises(KeyboardInterrupt):
            build(tmp_path / "tables", "tiny")
    (path,) = (tmp_path / ".tables.partial").glob(f"*/tables/{TINY[0].key}.npy")
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    with pytest.raises(RailyardError, match="was damaged: run the command again"):
        build(tmp_path / "tables", "tiny")
    build(tmp_path / "tables", "tiny")
    durable.check_manifest(tmp_path / "tables")
    assert np.array_equal(EndgameTables.open(tmp_path / "tables").chances[0], solve(TINY[0]))


@pytest.mark.parametrize(
    ("memory", "disk", "message"),
    [
        (
            1000,
            1 << 40,
            r"these tables take 0\.0 GiB of memory while they are built, 0\.0 GiB is free: choose a smaller",
        ),
        (1 << 40, 1000, r"these tables take 0\.0 GiB on the disk of .*, 0\.0 GiB is free: choose a smaller"),
    ],
)
def test_too_little_memory_or_disk_is_said_before_anything_is_solved(tmp_path, monkeypatch, memory, disk, message):
    monkeypatch.setattr(tables, "free_memory", lambda: memory)
    monkeypatch.setattr(tables.shutil, "disk_usage", lambda _: tables.shutil._ntuple_diskusage(0, 0, disk))
    monkeypatch.setattr(tables, "solve", None)
    with pytest.raises(RailyardError, match=message):
        build(tmp_path / "a" / "tables", "tiny")


def manifest_with(tiny, tmp_path, **changes):
    folder = tmp_path / "changed"
    folder.mkdir()
    facts = {**json.loads((tiny / "manifest.json").read_text()), **changes}
    (folder / "manifest.json").write_text(json.dumps(facts))
    return folder


def test_what_are_no_tables_of_this_version_is_refused(tiny, tmp_path):
    with pytest.raises(UserError, match=r"no endgame tables at .*nowhere: make them with railyard tables out="):
        EndgameTables.open(tmp_path / "nowhere")
    with pytest.raises(UserError, match=r"version 2, this Railyard reads version 1: build them again"):
        EndgameTables.open(manifest_with(tiny, tmp_path, tables_version=2))


def test_another_folder_and_a_missing_or_short_table_are_refused(tiny, tmp_path):
    folder = manifest_with(tiny, tmp_path)
    with pytest.raises(UserError, match=r"table11-04\.npy is missing"):
        EndgameTables.open(folder)
    np.save(folder / "table11-04.npy", np.zeros(5, np.uint16))
    with pytest.raises(UserError, match=r"table11-04\.npy has 5 positions, expected 1327104"):
        EndgameTables.open(folder)
    durable.write_json(folder / "manifest.json", {"kind": "steps"})
    with pytest.raises(UserError, match="holds no endgame tables"):
        EndgameTables.open(folder)


def test_out_that_holds_anything_else_is_left_alone(tiny, tmp_path):
    (tmp_path / "out").mkdir()
    (tmp_path / "out" / "mine").touch()
    for out, size in ((tmp_path / "out", "tiny"), (tiny, "small")):
        with pytest.raises(UserError, match="exists and is not the folder of these tables"):
            build(out, size)


def test_memory_that_is_free_is_read_from_the_system():
    assert 1 << 26 < tables.free_memory() < 1 << 50


@pytest.mark.parametrize(
    "change",
    [
        {"name": "table12"},
        {"walls": [0, 0]},
        {"walls": 3},
        {"caps": {"0": 2**32}},
        {"caps": {"x": 2}},
        {"chains": [[1] * 16]},
        {"targets": [], "chains": []},
        {"goal": None},
    ],
)
def test_a_pattern_that_is_none_of_ours_is_one_sentence(change, tiny, tmp_path):
    first, *rest = json.loads((tiny / "manifest.json").read_text())["patterns"]
    folder = manifest_with(tiny, tmp_path, patterns=[{**first, **change}, *rest])
    with pytest.raises(UserError, match="build the tables again"):
        EndgameTables.open(folder)
