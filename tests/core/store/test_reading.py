import json
import os
import sqlite3

import pytest
import yaml
from pydantic import BaseModel

from railyard.core.errors import UserError
from railyard.core.store import reading
from railyard.core.store.reading import bounded_lines, open_sqlite, read_bytes, read_json, read_yaml


def write(path, text):
    path.write_text(text)
    return path


def test_only_regular_files_are_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path):
        with pytest.raises(UserError, match="is not a regular file"):
            read_bytes(path)
    with pytest.raises(FileNotFoundError):
        read_bytes(tmp_path / "none")
    with pytest.raises(FileNotFoundError):
        read_bytes(write(tmp_path / "a", "x") / "below")


def test_a_file_is_read_up_to_a_limit(tmp_path):
    path = write(tmp_path / "a", "12345")
    assert read_bytes(path, 5) == b"12345"
    with pytest.raises(UserError, match="has 5 bytes, and at most 4 are read"):
        read_bytes(path, 4)


def test_json_is_an_object(tmp_path):
    assert read_json(write(tmp_path / "a", '{"schema_version": 2}'), schema_version=2) == {"schema_version": 2}
    assert read_json(tmp_path / "none") == {}


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("{", r"is not valid JSON \(.*\): mend it"),
        ("\udcff", "is not valid JSON"),
        ("[]", "does not hold a JSON object: mend it"),
        ("[" * 100_000, r"is not valid JSON \(it is nested too deeply\): mend it"),
        ('{"a":' * 100_000, r"is not valid JSON \(it is nested too deeply\)"),
        ("9" * 10_000, "is not valid JSON"),
        ('{"schema_version": 3}', "is not of schema_version 2: mend it"),
        ("{}", "is not of schema_version 2"),
    ],
)
def test_what_is_no_json_of_ours_is_one_sentence(tmp_path, text, says):
    (tmp_path / "a.json").write_bytes(text.encode(errors="surrogateescape"))
    with pytest.raises(UserError, match=rf"a.json {says}") as fault:
        read_json(tmp_path / "a.json", "mend it", schema_version=2)
    assert "\n" not in str(fault.value)


def test_a_file_that_has_to_be_there(tmp_path):
    with pytest.raises(UserError, match="none is missing: make it"):
        read_json(tmp_path / "none", missing="make it")


def test_yaml_of_a_config_is_read(tmp_path):
    shared = [1, 2]
    plain = {"a": {"b": shared, "c": shared}, "d": None, "e": "*x"}
    assert read_yaml(write(tmp_path / "a", yaml.safe_dump(plain))) == plain


@pytest.mark.parametrize(
    ("text", "says"),
    [
        ("a: [", "is not readable YAML"),
        ("[" * 100_000, "is nested more than 100 deep"),
        ("- " * 100_000, "is nested more than 100 deep"),
        ("? " * 100_000, "is nested more than 100 deep"),
        ("\n".join(" " * n + "a:" for n in range(300)), "is nested more than 100 deep"),
        ("a: 2026-99-99", "is not readable YAML"),
        ("a: !!python/object/apply:os.system [x]", "is not readable YAML"),
        ("\x00", "is not readable YAML"),
    ],
)
def test_what_is_no_yaml_of_ours_is_one_sentence(tmp_path, text, says):
    with pytest.raises(UserError, match=f"a.yaml {says}") as fault:
        read_yaml(write(tmp_path / "a.yaml", text))
    assert "\n" not in str(fault.value)


def test_aliases_that_multiply_are_refused(tmp_path):
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 9)]
    with pytest.raises(UserError, match="stands for more than 200,000 values"):
        read_yaml(write(tmp_path / "a.yaml", "\n".join(lines)))


@pytest.mark.parametrize("text", ["- a\n" * 300_000, "[" + "a," * 300_000 + "a]"])
def test_yaml_of_too_many_values_is_refused(tmp_path, text):
    with pytest.raises(UserError, match="stands for more than 200,000 values"):
        read_yaml(write(tmp_path / "a.yaml", text))


@pytest.mark.parametrize("text", ["[" + "{}," * 800_000 + "0]", '{"a": "\U0001f600' + "x" * (13 * 2**20) + '"}'])
def test_json_that_takes_more_memory_than_its_bytes_say_is_refused(tmp_path, text):
    with pytest.raises(UserError, match=r"a.json holds more than is read of a JSON file"):
        read_json(write(tmp_path / "a.json", text))


def database(path, *statements):
    with sqlite3.connect(path) as connection:
        for statement in statements:
            connection.execute(statement)
    connection.close()
    return path


def test_a_table_is_read(tmp_path):
    path = database(tmp_path / "a.db", "CREATE TABLE runs (id)", "INSERT INTO runs VALUES (7)")
    with open_sqlite(path, ("runs",)) as found:
        assert found.execute("SELECT id FROM runs").fetchall() == [(7,)]
        with pytest.raises(sqlite3.OperationalError, match="readonly"):
            found.execute("DELETE FROM runs")


def test_a_view_is_no_table(tmp_path):
    endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id FROM n"
    path = database(tmp_path / "a.db", f"CREATE VIEW runs AS {endless}")
    with pytest.raises(sqlite3.DatabaseError, match="runs is a view"), open_sqlite(path, ("runs",)):
        pass


def test_a_virtual_table_is_no_table(tmp_path):
    path = database(tmp_path / "a.db", "CREATE VIRTUAL TABLE runs USING rtree(id, a, b)")
    with pytest.raises(sqlite3.DatabaseError, match="runs is a table that computes"), open_sqlite(path, ("runs",)):
        pass


def test_a_query_without_end_ends(tmp_path, monkeypatch):
    monkeypatch.setattr(reading, "QUERY_SECONDS", 0.05)
    endless = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT count(*) FROM n"
    with open_sqlite(database(tmp_path / "a.db")) as found, pytest.raises(sqlite3.OperationalError, match="interrupt"):
        found.execute(endless)


def test_a_huge_cell_is_refused(tmp_path, monkeypatch):
    path = database(tmp_path / "a.db", "CREATE TABLE runs (id)", "INSERT INTO runs VALUES (zeroblob(2000))")
    monkeypatch.setattr(reading, "MOST_CELL_BYTES", 1000)
    with open_sqlite(path) as found, pytest.raises(sqlite3.Error, match="too big"):
        found.execute("SELECT id FROM runs").fetchall()


def test_no_database_is_made(tmp_path):
    with pytest.raises(UserError, match="is not a regular file"), open_sqlite(tmp_path / "none.db"):
        pass
    assert not (tmp_path / "none.db").exists()


class Shape(BaseModel):
    number: int
    names: list[str] = []


def test_a_shape_is_held_against_the_keys_it_names(tmp_path):
    content = {"number": 1, "names": ["a"], "more": None}
    assert read_json(write(tmp_path / "a", json.dumps(content)), shape=Shape) == content


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ({}, "number: Field required"),
        ({"number": True}, "number: .*valid integer"),
        ({"number": 1, "names": [1]}, "names.0: "),
    ],
)
def test_a_key_of_another_type_is_named(content, says, tmp_path):
    with pytest.raises(UserError, match=rf"a.json: {says}.*: mend it"):
        read_json(write(tmp_path / "a.json", json.dumps(content)), "mend it", shape=Shape)


def test_half_a_character_is_no_json(tmp_path):
    with pytest.raises(UserError, match=r"is not valid JSON \(it has half of a character in it\)"):
        read_json(write(tmp_path / "a.json", '{"a": "\\ud800"}'))
    assert read_json(write(tmp_path / "b.json", '{"a": "\\ud83d\\ude00"}')) == {"a": "\U0001f600"}


def test_lines_are_read_up_to_a_limit(tmp_path):
    path = write(tmp_path / "a", "12\n345\n6")
    with path.open("rb") as file:
        assert list(bounded_lines(file, path, 4)) == [b"12\n", b"345\n", b"6"]
    with path.open("rb") as file, pytest.raises(UserError, match="a, line 2: it is longer than 3 bytes"):
        list(bounded_lines(file, path, 3))
