import errno
import shutil
import sqlite3
from contextlib import closing

import pytest

from railyard.board.packs import metadata
from railyard.board.packs.metadata import Run, read_runs, runs_writer
from railyard.core.errors import UserError

RUNS = [Run(0, 5, 3, 100, 64), Run(1, 2**64 - 1, 0, 2**62, 131072), Run(2, 2**63, 4, 0, 2)]


def write(path, runs=RUNS):
    with runs_writer(path) as writer:
        for run in runs:
            writer.add(run)
    return path


def database(path, *statements):
    with closing(sqlite3.connect(path)) as connection:
        for statement in statements:
            connection.execute(statement)
        connection.commit()
    return path


def test_runs_survive_a_round_trip_with_all_64_bits_of_their_seeds(tmp_path):
    runs = read_runs(write(tmp_path / "metadata.db"))
    assert runs.id.tolist() == [0, 1, 2]
    assert runs.seed.tolist() == [5, 2**64 - 1, 2**63]
    assert runs.steps.tolist() == [3, 0, 4]
    assert runs.max_score.tolist() == [100, 2**62, 0]
    assert runs.highest_tile.tolist() == [64, 131072, 2]
    assert runs.starts.tolist() == [0, 3, 3, 7]
    assert len(runs) == 3


def test_seeds_are_stored_as_signed_integers(tmp_path):
    with closing(sqlite3.connect(write(tmp_path / "metadata.db"))) as connection:
        stored = connection.execute("SELECT seed FROM runs ORDER BY id").fetchall()
    assert stored == [(5,), (-1,), (-(2**63),)]


def test_the_tables_are_those_of_existing_packs(tmp_path, fixtures):
    def tables(path):
        with closing(sqlite3.connect(f"{path.as_uri()}?immutable=1", uri=True)) as connection:
            names = ("runs", "session")
            return [connection.execute(f"PRAGMA table_info({name})").fetchall() for name in names]

    path = write(tmp_path / "metadata.db")
    assert tables(path) == tables(fixtures / "17_pack_left" / "metadata.db")


def test_the_file_stands_alone_and_is_the_same_every_time(tmp_path):
    many = [Run(i, i * 2**40, i % 7, i, 2**11) for i in range(5000)]
    one, two = write(tmp_path / "one.db", many), write(tmp_path / "two.db", many)
    assert one.read_bytes() == two.read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["one.db", "two.db"]
    journal_bytes = one.read_bytes()[18:20]  # 1 rollback journal, 2 write-ahead log
    assert journal_bytes == b"\x01\x01"


def test_a_pack_in_wal_mode_is_read_without_leaving_files_beside_it(tmp_path, fixtures):
    path = tmp_path / "metadata.db"
    shutil.copy(fixtures / "17_pack_left" / "metadata.db", path)
    assert read_runs(path).seed.tolist() == [272350805, 4294967301, 7]
    assert [each.name for each in tmp_path.iterdir()] == ["metadata.db"]


def test_runs_still_in_a_write_ahead_log_are_seen(tmp_path):
    path = database(write(tmp_path / "metadata.db"), "PRAGMA journal_mode = WAL")
    with closing(sqlite3.connect(path)) as writer:
        writer.execute("INSERT INTO runs VALUES (3, 1, 2, 3, 4)")
        writer.commit()
        assert read_runs(path).id.tolist() == [0, 1, 2, 3]


@pytest.mark.parametrize("column", ["num_steps", "num_moves"])
def test_old_names_of_the_steps_column_are_read(tmp_path, column):
    path = database(write(tmp_path / "metadata.db"), f"ALTER TABLE runs RENAME COLUMN steps TO {column}")
    assert read_runs(path).steps.tolist() == [3, 0, 4]


def test_a_database_without_a_column_is_refused(tmp_path):
    path = database(write(tmp_path / "metadata.db"), "ALTER TABLE runs DROP COLUMN max_score")
    with pytest.raises(UserError, match=r"metadata\.db has no column max_score in its table runs"):
        read_runs(path)


def test_a_database_without_the_table_is_refused(tmp_path):
    path = database(tmp_path / "metadata.db", "CREATE TABLE other (id INT)")
    with pytest.raises(UserError, match=r"has no column id, seed, steps, max_score, highest_tile"):
        read_runs(path)


@pytest.mark.parametrize("data", [b"", b"no database" * 100], ids=["empty", "text"])
def test_a_damaged_database_is_refused(tmp_path, data):
    path = tmp_path / "metadata.db"
    path.write_bytes(data)
    with pytest.raises(UserError, match=r"metadata\.db (cannot be read|has no column)") as caught:
        read_runs(path)
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("value", ["'many'", "-1", "x'00'"])
def test_a_run_whose_steps_are_no_number_is_refused(tmp_path, value):
    path = database(write(tmp_path / "metadata.db"), f"UPDATE runs SET steps = {value} WHERE id = 1")
    with pytest.raises(UserError, match=r"metadata\.db cannot be read"):
        read_runs(path)


def test_a_missing_database_is_named(tmp_path):
    with pytest.raises(UserError, match=r"metadata\.db is missing: .*restore it"):
        read_runs(tmp_path / "metadata.db")


def test_a_full_disk_is_told_as_the_system_tells_it(tmp_path, monkeypatch):
    monkeypatch.setattr(metadata, "_SCHEMA", f"{metadata._SCHEMA} PRAGMA max_page_count = 5;")
    many = [Run(i, i, i, i, i) for i in range(5000)]
    with pytest.raises(OSError, match="full") as caught:
        write(tmp_path / "metadata.db", many)
    assert caught.value.errno == errno.ENOSPC
