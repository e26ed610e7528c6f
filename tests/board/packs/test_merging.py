import json
import logging
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from railyard.board.packs import merging
from railyard.board.packs.importing import import_logs
from railyard.board.packs.merging import merge_packs
from railyard.board.packs.metadata import Run, read_runs, runs_writer
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.packs.valuations import write_valuation_names
from railyard.core.errors import UserError
from railyard.core.store import durable


def write_pack(folder, runs, names=("search", "tuple11", "tuple10")):
    """A pack of runs `(id, seed, valuation types of its rows)`."""
    folder.mkdir(parents=True)
    rows = np.zeros(sum(len(types) for _, _, types in runs), STEP)
    rows["run_id"] = np.concatenate([[run] * len(types) for run, _, types in runs])
    rows["valuation_type"] = np.concatenate([types for _, _, types in runs])
    rows["step_index"] = np.arange(len(rows)) * 3
    rows["branch_evs"] = np.arange(4 * len(rows)).reshape(-1, 4)
    np.save(folder / "steps.npy", rows)
    with runs_writer(folder / "metadata.db") as writer:
        for run, seed, types in runs:
            writer.add(Run(run, seed, len(types), 100 + run, 2**run))
    write_valuation_names(folder / "valuation_types.json", names)
    return folder


def rows_of(folder):
    pack = Pack.open(folder)
    return pack.rows.gather(np.arange(len(pack)))


def content(folder):
    return {path.relative_to(folder).as_posix(): path.read_bytes() for path in folder.rglob("*") if path.is_file()}


@pytest.fixture
def left(tmp_path):
    return write_pack(tmp_path / "left", [(2, 11, [0, 3]), (5, 2**64 - 1, [1])], ("search", "zeta", "tuple11", "eta"))


@pytest.fixture
def right(tmp_path):
    return write_pack(tmp_path / "right", [(0, 33, [0, 1, 2]), (9, 44, [3])], ("tuple10", "search", "eta", "theta"))


def test_runs_and_valuation_types_are_numbered_anew(left, right, tmp_path):
    report = merge_packs(left, right, tmp_path / "out")
    assert (report.runs, report.rows, report.same_seeds, report.already_there) == (4, 7, 0, False)
    pack = Pack.open(tmp_path / "out")
    assert pack.valuation_names == report.valuation_names == ("search", "zeta", "tuple11", "eta", "tuple10", "theta")
    rows = rows_of(tmp_path / "out")
    assert rows["run_id"].tolist() == [0, 0, 1, 2, 2, 2, 3]
    assert rows["valuation_type"].tolist() == [0, 3, 1, 4, 0, 3, 5]
    assert pack.runs.id.tolist() == [0, 1, 2, 3]
    assert pack.runs.seed.tolist() == [11, 2**64 - 1, 33, 44]
    assert pack.runs.steps.tolist() == [2, 1, 3, 1]
    assert pack.runs.max_score.tolist() == [102, 105, 100, 109]
    assert pack.runs.highest_tile.tolist() == [4, 32, 1, 512]


def test_everything_else_of_a_row_is_unchanged(left, right, tmp_path):
    merge_packs(left, right, tmp_path / "out")
    before = np.concatenate([rows_of(left), rows_of(right)])
    after = rows_of(tmp_path / "out")
    for name in STEP.names:
        if name not in ("run_id", "valuation_type"):
            np.testing.assert_array_equal(after[name], before[name])


def test_chunks_and_shards_do_not_show(fixtures, left, tmp_path, monkeypatch):
    merge_packs(fixtures / "03_pack", left, tmp_path / "one")
    monkeypatch.setattr(merging, "CHUNK", 7)
    merge_packs(fixtures / "03_pack", left, tmp_path / "two", shard_rows=100)
    assert rows_of(tmp_path / "one").tobytes() == rows_of(tmp_path / "two").tobytes()
    assert [path.name for path in Pack.open(tmp_path / "two").rows.paths][::6] == ["steps-00000.npy", "steps-00006.npy"]


def test_the_session_is_dropped(left, right, tmp_path):
    with closing(sqlite3.connect(left / "metadata.db")) as database, database:
        database.execute("INSERT INTO session VALUES ('ts', '1.5')")
    merge_packs(left, right, tmp_path / "out")
    with closing(sqlite3.connect(tmp_path / "out" / "metadata.db")) as database:
        assert database.execute("SELECT count(*) FROM session").fetchone() == (0,)


def test_merged_logs_are_the_import_of_all_of_them(samples, tmp_path):
    for side, pattern in (("a", "depth03*"), ("b", "depth05*"), ("all", "depth*")):
        (tmp_path / "logs" / side).mkdir(parents=True)
        for path in samples.glob(pattern):
            shutil.copy(path, tmp_path / "logs" / side)
        import_logs(tmp_path / "logs" / side, tmp_path / side)
    merge_packs(tmp_path / "a", tmp_path / "b", tmp_path / "out")
    merged, whole = content(tmp_path / "out"), content(tmp_path / "all")
    assert merged.pop("manifest.json") != whole.pop("manifest.json")
    assert merged == whole


def test_the_manifest_says_where_the_rows_come_from(reference_pack, left, tmp_path):
    merge_packs(reference_pack, left, tmp_path / "out", shard_rows=2)
    manifest = durable.check_manifest(tmp_path / "out")
    assert (manifest["kind"], manifest["pack_version"], manifest["options"]) == ("steps", 1, {"shard_rows": 2})
    assert manifest["counts"] == {"runs": 5, "rows": 7, "same_seeds": 0}
    first, second = manifest["merged_from"]
    assert (first["name"], first["rows"], first["fingerprint"]) == (
        "logged",
        4,
        Pack.open(reference_pack).fingerprint(),
    )
    assert first["manifest"]["source"] == "left"
    assert "files" not in first["manifest"]
    assert (second["name"], second["runs"], second["manifest"]) == ("left", 2, None)


@pytest.fixture
def reference_pack(fixtures, tmp_path):
    import_logs(fixtures / "17_raw" / "left", tmp_path / "logged", legality="as_logged")
    return tmp_path / "logged"


def test_the_very_same_merge_is_recognised_and_not_repeated(left, right, tmp_path):
    first = merge_packs(left, right, tmp_path / "out")
    before = content(tmp_path / "out")
    again = merge_packs(left, right, tmp_path / "out")
    assert again.already_there
    assert again.rows == first.rows
    assert content(tmp_path / "out") == before
    with pytest.raises(UserError, match="out exists and is not this merge: choose another out="):
        merge_packs(right, left, tmp_path / "out")


def test_a_damaged_merge_is_not_taken_for_the_finished_one(left, right, tmp_path):
    merge_packs(left, right, tmp_path / "out")
    steps = bytearray((tmp_path / "out" / "steps.npy").read_bytes())
    steps[-1] ^= 1
    (tmp_path / "out" / "steps.npy").write_bytes(steps)
    with pytest.raises(UserError, match=r"steps\.npy differs from manifest\.json"):
        merge_packs(left, right, tmp_path / "out")


@pytest.mark.parametrize("side", ["left", "right"])
@pytest.mark.parametrize("way", ["same", "dots", "relative", "link", "inside", "inside a link"])
def test_an_out_that_is_an_input_is_refused_and_nothing_is_touched(left, right, tmp_path, monkeypatch, side, way):
    target = tmp_path / side
    (tmp_path / "link").symlink_to(target)
    (tmp_path / "elsewhere").mkdir()
    monkeypatch.chdir(tmp_path / "elsewhere")
    out = {
        "same": target,
        "dots": tmp_path / "elsewhere" / ".." / side,
        "relative": merging.Path("..") / side,
        "link": tmp_path / "link",
        "inside": target / "new" / "deep",
        "inside a link": tmp_path / "link" / "new",
    }[way]
    before = content(tmp_path)
    relation = "lies inside" if "inside" in way else "is"
    with pytest.raises(UserError, match=f"out=.* {relation} the pack .*{side} that is to be merged: choose another"):
        merge_packs(left, right, out)
    assert content(tmp_path) == before
    assert not (target / "new").exists()


def test_an_input_that_lies_in_out_is_refused(left, right, tmp_path):
    with pytest.raises(UserError, match="exists and is not this merge"):
        merge_packs(left, right, tmp_path)


def test_seeds_on_both_sides_are_told(left, tmp_path, caplog):
    right = write_pack(tmp_path / "right", [(0, 2**64 - 1, [0]), (1, 7, [1])])
    assert merge_packs(left, right, tmp_path / "out").same_seeds == 1
    assert "1 seeds have runs on both sides (the first is 18446744073709551615)" in caplog.text


def test_without_such_seeds_nothing_is_told(left, right, tmp_path, caplog):
    caplog.set_level(logging.WARNING)
    merge_packs(left, right, tmp_path / "out")
    assert caplog.text == ""


def test_a_pack_merged_with_itself_is_twice_as_long(left, tmp_path):
    assert merge_packs(left, left, tmp_path / "out").same_seeds == 2
    assert read_runs(tmp_path / "out" / "metadata.db").seed.tolist() == [11, 2**64 - 1] * 2


@pytest.mark.parametrize(("field", "value"), [("run_id", 3), ("run_id", 99), ("valuation_type", 4)])
def test_a_row_that_its_pack_does_not_know_is_refused_and_nothing_is_left(left, tmp_path, field, value):
    wrong = write_pack(tmp_path / "wrong", [(2, 1, [0, 0, 0]), (5, 2, [0])], ("a", "b", "c", "d"))
    rows = np.load(wrong / "steps.npy")
    rows[field][1] = value
    np.save(wrong / "steps.npy", rows)
    with pytest.raises(UserError, match=r"wrong: row 1 says run .* which metadata\.db or valuation_types"):
        merge_packs(left, wrong, tmp_path / "out")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["left", "wrong"]


def test_more_names_than_a_pack_holds_are_refused(left, tmp_path):
    right = write_pack(tmp_path / "right", [(0, 1, [0])], [str(i) for i in range(253)])
    with pytest.raises(UserError, match="name 257 valuation types together, a pack holds at most 256"):
        merge_packs(left, right, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_missing_side_is_refused(left, tmp_path):
    with pytest.raises(UserError, match=r"no pack at .*nowhere"):
        merge_packs(left, tmp_path / "nowhere", tmp_path / "out")


def test_progress_is_told_in_rows(left, right, tmp_path):
    told = []
    merge_packs(left, right, tmp_path / "out", progress=lambda done, total: told.append((done, total)))
    assert told == [(3, 7), (7, 7)]


def test_the_verb(railyard, left, right):
    done = railyard("merge", f"left={left}", f"right={right}", "out=both", "json=true")
    assert (done.code, done.json["rows"], done.json["runs"]) == (0, 7, 4)
    assert json.loads(json.dumps(done.json["valuation_names"]))[-1] == "theta"
    assert Pack.open("both").rows.paths[0].name == "steps-00000.npy"


def test_the_verb_refuses_an_input_as_output(railyard, left, right):
    done = railyard("merge", f"left={left}", f"right={right}", f"out={left}/new")
    assert done.code == 2
    assert "lies inside the pack" in done.err
