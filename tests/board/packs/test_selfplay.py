import shutil
import sqlite3
from contextlib import closing

import numpy as np
import pytest

from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.schema import SELFPLAY
from railyard.board.packs.selfplay import SelfplayPool, missing_rows
from railyard.core.errors import UserError


def write_rows(path, runs):
    rows = np.zeros(len(runs), SELFPLAY)
    rows["run_id"] = runs
    rows["step_idx"] = np.arange(len(runs))
    rows["exps"] = np.arange(len(runs))[:, None] % 12
    np.save(path, rows)


@pytest.fixture
def pool(tmp_path):
    """Runs 4 and 7 played at one time, in two shards."""
    folder = tmp_path / "pool"
    folder.mkdir()
    write_rows(folder / "steps-000001.npy", [4, 7, 4])
    write_rows(folder / "steps-000002.npy", [7, 7])
    with runs_writer(folder / "metadata.db") as runs:
        runs.add(Run(4, 2**64 - 5, 2, 300, 32))
        runs.add(Run(7, 8, 3, 100, 16))
    with closing(sqlite3.connect(folder / "metadata.db")) as database, database:
        database.execute("INSERT INTO session VALUES ('ts', '1700000000.5')")
    return folder


def embed(folder, number, rows, width=3):
    np.save(folder / f"embeddings-{number}.npy", np.full((rows, width), number, np.float32))


def test_the_fixture_opens(fixtures, pool):
    for path in pool.glob("steps*"):
        path.unlink()
    shutil.copy(fixtures / "03_selfplay_v1_steps.npy", pool / "steps-000001.npy")
    opened = SelfplayPool.open(pool)
    rows = opened.rows.gather(np.arange(len(opened)))
    assert rows.dtype.itemsize == 28
    assert (rows["run_id"].tolist(), rows["step_idx"].tolist()) == ([0, 0, 0, 1, 1], [0, 1, 2, 0, 1])
    assert rows["exps"][1].tolist() == [*range(1, 16), 0]


def test_rows_runs_and_time(pool):
    opened = SelfplayPool.open(pool)
    assert len(opened) == 5
    assert opened.rows.gather(np.arange(5))["run_id"].tolist() == [4, 7, 4, 7, 7]
    assert (opened.runs.id.tolist(), opened.runs.seed.tolist()) == ([4, 7], [2**64 - 5, 8])
    assert (opened.recorded_at, opened.embeddings) == (1700000000.5, None)


def test_embeddings_are_aligned_with_the_rows(pool):
    embed(pool, "000001", 3)
    embed(pool, "000002", 2)
    embeddings = SelfplayPool.open(pool).embeddings
    assert embeddings.gather(np.array([0, 4])).tolist() == [[1, 1, 1], [2, 2, 2]]


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ([("000001", 3, 3)], r"embeddings-000002\.npy has 0 rows, steps-000002\.npy has 2"),
        ([("000001", 2, 3), ("000002", 2, 3)], r"embeddings-000001\.npy has 2 rows, steps-000001\.npy has 3"),
        ([("000001", 3, 3), ("000003", 2, 3)], r"embeddings-000003\.npy has 2 rows, steps-000003\.npy has 0"),
        ([("000001", 3, 3), ("000002", 2, 4)], r"embeddings-000002\.npy holds an array of shape \(2, 4\)"),
    ],
)
def test_embeddings_that_do_not_fit_are_refused(pool, files, sentence):
    for number, rows, width in files:
        embed(pool, number, rows, width)
    with pytest.raises(UserError, match=sentence):
        SelfplayPool.open(pool)


def test_embeddings_cut_short_are_refused(pool):
    for number, rows in (("000001", 3), ("000002", 2)):
        embed(pool, number, rows)
    path = pool / "embeddings-000002.npy"
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(UserError, match=r"embeddings-000002\.npy is truncated"):
        SelfplayPool.open(pool)
    (pool / "embeddings-000001.npy").write_bytes(b"")
    with pytest.raises(UserError, match=r"embeddings-000001\.npy is not a readable"):
        SelfplayPool.open(pool)


def test_embeddings_of_a_width_that_no_array_has_are_refused(pool):
    embed(pool, "000001", 3)
    path = pool / "embeddings-000001.npy"
    path.write_bytes(path.read_bytes().replace(b"(3, 3), }" + b" " * 19, b"(3, 99999999999999999999), }"))
    with pytest.raises(UserError, match=r"embeddings-000001\.npy holds an array of shape \(3, 99999999999999999999\)"):
        SelfplayPool.open(pool)


def test_without_a_session_the_time_is_unknown(pool):
    with closing(sqlite3.connect(pool / "metadata.db")) as database, database:
        database.execute("DROP TABLE session")
    assert SelfplayPool.open(pool).recorded_at is None


def test_a_time_that_is_no_number_is_refused(pool):
    with closing(sqlite3.connect(pool / "metadata.db")) as database, database:
        database.execute("UPDATE session SET meta_value = 'noon'")
    with pytest.raises(UserError, match=r"metadata\.db has 'noon' as `ts` of its session, expected seconds"):
        SelfplayPool.open(pool)


def test_without_metadata_it_is_refused(pool):
    (pool / "metadata.db").unlink()
    with pytest.raises(UserError, match=r"metadata\.db is missing: a pool needs it"):
        SelfplayPool.open(pool)


def test_rows_that_runs_lack(pool):
    assert missing_rows(SelfplayPool.open(pool)).tolist() == [0, 0]
    write_rows(pool / "steps-000002.npy", [7, 9])
    assert missing_rows(SelfplayPool.open(pool)).tolist() == [0, 1]
