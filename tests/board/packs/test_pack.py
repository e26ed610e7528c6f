import copy
import json
import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.core.errors import UserError


@pytest.fixture
def folder(tmp_path, fixtures):
    """A copy of the reference pack: 654 rows in 3 shards, 9 runs."""
    return shutil.copytree(fixtures / "03_pack", tmp_path / "pack")


def refusal(folder):
    with pytest.raises(UserError) as caught:
        Pack.open(folder)
    assert "\n" not in str(caught.value)
    return str(caught.value)


def rewrite(folder, change, shard="steps-00000.npy"):
    rows = np.load(folder / shard)
    change(rows)
    np.save(folder / shard, rows)


def sql(folder, statement):
    with closing(sqlite3.connect(folder / "metadata.db")) as database:
        database.execute(statement)
        database.commit()


def test_a_reference_pack_opens(fixtures):
    facts = json.loads((fixtures / "03_pack_facts.json").read_text())
    pack = Pack.open(fixtures / "03_pack")
    assert len(pack) == sum(rows for rows, _ in facts["shards"].values()) == 654
    assert pack.rows.gather(np.array([0])).tobytes().hex() == facts["first_row_hex"]
    assert pack.valuation_names == ("search", "tuple11", "tuple10")
    assert pack.runs.seed.tolist() == list(range(1000, 1009))
    assert pack.runs.starts.tolist() == [*range(0, 641, 80), 654]
    assert pack.manifest is None


def test_a_row_is_found_across_shards(folder):
    pack = Pack.open(str(folder))
    rows = pack.rows.gather(np.array([0, 299, 300, 5, 653, 601, 2]))
    assert rows["run_id"].tolist() == [0, 3, 3, 0, 8, 7, 0]
    assert rows["step_index"].tolist() == [0, 59, 60, 5, 13, 41, 2]


def test_other_headers_of_the_same_rows_are_as_good(folder):
    before = Pack.open(folder).rows.gather(np.arange(654))
    theirs = (folder / "steps-00000.npy").read_bytes()
    rewrite(folder, lambda rows: None)
    assert (folder / "steps-00000.npy").read_bytes() != theirs
    with (folder / "steps-00001.npy").open("r+b") as file:
        np.lib.format.write_array(file, before[300:600], version=(2, 0))
    np.testing.assert_array_equal(Pack.open(folder).rows.gather(np.arange(654)), before)


def test_numbered_shards_win_over_a_single_file(folder):
    np.save(folder / "steps.npy", np.zeros(3, STEP))
    assert len(Pack.open(folder)) == 654


def test_a_missing_folder_says_how_to_make_a_pack(tmp_path):
    assert "no pack at" in refusal(tmp_path / "none")
    assert "railyard pack" in refusal(tmp_path / "none")


def test_a_folder_without_steps_is_refused(folder):
    for path in folder.glob("steps*"):
        path.unlink()
    assert "steps" in refusal(folder)


def test_a_pack_without_rows_is_refused(folder):
    for path in folder.glob("steps*"):
        np.save(path, np.zeros(0, STEP))
    assert "no rows" in refusal(folder)


def test_a_truncated_shard_is_refused(folder):
    path = folder / "steps-00001.npy"
    path.write_bytes(path.read_bytes()[:-1])
    assert "steps-00001.npy is truncated" in refusal(folder)


def test_rows_of_48_bytes_are_refused_with_the_cure(folder):
    aligned = np.dtype({"names": STEP.names, "formats": [STEP[n] for n in STEP.names]}, align=True)
    np.save(folder / "steps-00000.npy", np.zeros(300, aligned))
    assert "align" in refusal(folder)


def test_other_rows_are_refused_by_their_first_difference(folder):
    other = np.dtype([(name, "<i8" if name == "board_eval" else STEP[name]) for name in STEP.names])
    np.save(folder / "steps-00000.npy", np.zeros(300, other))
    assert "board_eval" in refusal(folder)


@pytest.mark.parametrize("name", ["metadata.db", "valuation_types.json"])
def test_a_missing_file_is_refused(folder, name):
    (folder / name).unlink()
    assert f"{name} is missing" in refusal(folder)


def test_runs_that_do_not_add_up_are_refused(folder):
    sql(folder, "UPDATE runs SET steps = 15 WHERE id = 8")
    assert "counts 655 rows in 9 runs, the step files hold 654" in refusal(folder)


def test_runs_shifted_against_their_rows_are_refused(folder):
    sql(folder, "UPDATE runs SET steps = 81 WHERE id = 2")
    sql(folder, "UPDATE runs SET steps = 79 WHERE id = 3")
    assert "the last row of run 2 (row 240) says run 3" in refusal(folder)


def test_runs_in_another_order_than_their_rows_are_refused(folder):
    rewrite(folder, lambda rows: rows["run_id"].__setitem__(slice(0, 80), 1))
    assert "the first row of run 0 (row 0) says run 1" in refusal(folder)


def test_a_row_of_a_valuation_type_without_a_name_is_refused(folder):
    rewrite(folder, lambda rows: rows["valuation_type"].__setitem__(0, 3))
    assert "row 0 has valuation type 3, valuation_types.json ends at 2" in refusal(folder)


def test_names_read_the_wrong_way_round_are_refused(folder):
    (folder / "valuation_types.json").write_text('{"0": "search", "1": "tuple11", "2": "tuple10"}')
    assert "maps ids to names" in refusal(folder)


def test_runs_without_rows_and_gaps_between_ids_are_fine(folder):
    sql(folder, "INSERT INTO runs VALUES (20, 1, 0, 0, 2)")
    sql(folder, "INSERT INTO runs VALUES (-3, 1, 0, 0, 2)")
    assert len(Pack.open(folder).runs) == 11


def test_a_manifest_that_is_no_json_object_is_refused(folder):
    for text in ("{", "[]"):
        (folder / "manifest.json").write_text(text)
        with pytest.raises(UserError, match=r"manifest\.json (is not valid JSON|does not hold a JSON object)"):
            _ = Pack.open(folder).manifest


def test_a_fingerprint_follows_the_contents_and_not_the_place(folder, fixtures):
    here = Pack.open(folder).fingerprint()
    assert here == Pack.open(fixtures / "03_pack").fingerprint()
    assert len(here) == 64


@pytest.mark.parametrize(
    "change",
    [
        lambda folder: rewrite(folder, lambda rows: rows["branch_evs"].__setitem__((299, 3), 0.5)),
        lambda folder: sql(folder, "UPDATE runs SET max_score = 1 WHERE id = 4"),
        lambda folder: (folder / "valuation_types.json").write_text('{"search":0,"a":1,"b":2}'),
        lambda folder: rewrite(folder, lambda rows: rows["seed"].__setitem__(0, 1), "steps-00002.npy"),
    ],
    ids=["last row", "runs", "names", "last shard"],
)
def test_a_fingerprint_changes_with_the_contents(folder, change):
    rewrite(folder, lambda rows: None)
    rewrite(folder, lambda rows: None, "steps-00002.npy")
    before = Pack.open(folder).fingerprint()
    change(folder)
    assert Pack.open(folder).fingerprint() != before


def test_a_copy_reads_the_same_rows(folder):
    pack = Pack.open(folder)
    again = copy.deepcopy(pack)
    np.testing.assert_array_equal(again.rows.gather(np.arange(9)), pack.rows.gather(np.arange(9)))
    assert again.fingerprint() == pack.fingerprint()
