"""A journal loses at most the line that was being written, and never hides damage."""

import errno
import json
import logging
import os
import signal
import subprocess
import sys
import zlib
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.errors import RailyardError, UserError
from railyard.core.store import journal
from railyard.core.store.journal import Journal

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=5,
)
RECORDS = st.lists(st.dictionaries(st.text().filter(lambda key: key != "crc"), VALUES, max_size=4), max_size=6)
THREE = [{"step": 1, "loss": 0.5}, {}, {"text": 'a "quoted" line\n, with "crc":"00000000"}\n and ü'}]


def written(path: Path, records: list[dict[str, Any]]) -> bytes:
    path.unlink(missing_ok=True)
    with Journal(path) as lines:
        for record in records:
            lines.append(record)
    return path.read_bytes()


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("journals")


@settings(max_examples=30, deadline=None)  # each example waits for several fsyncs
@given(RECORDS)
def test_what_is_appended_is_read(folder: Path, records: list[dict[str, Any]]) -> None:
    data = written(folder / "round", records)
    assert data.count(b"\n") == len(records)
    assert journal.read(folder / "round") == records


def test_a_line_is_compact_json_with_the_checksum_last(tmp_path: Path) -> None:
    line = written(tmp_path / "j", [{"step": 1, "loss": 0.5}]).decode()
    crc = zlib.crc32(b'{"step":1,"loss":0.5}')
    assert line == f'{{"step":1,"loss":0.5,"crc":"{crc:08x}"}}\n'
    assert list(json.loads(line)) == ["step", "loss", "crc"]
    assert written(tmp_path / "j", [{}]).decode() == f'{{"crc":"{zlib.crc32(b"{}"):08x}"}}\n'


@pytest.mark.parametrize("last", THREE)
def test_every_tear_of_the_last_line_is_dropped_and_told(
    tmp_path: Path, caplog: pytest.LogCaptureFixture, last: dict[str, Any]
) -> None:
    path = tmp_path / "j"
    before = written(path, THREE)
    whole = written(path, [*THREE, last])
    for length in range(len(before), len(whole)):
        path.write_bytes(whole[:length])
        caplog.clear()
        assert journal.read(path) == THREE
        assert ("dropped a torn last line (line 4" in caplog.text) == (length > len(before))
        assert path.stat().st_size == length


@settings(max_examples=30, deadline=None)
@given(RECORDS.filter(bool), st.data())
def test_opening_cuts_a_torn_line_and_appends_after_the_whole_ones(
    folder: Path, records: list[dict[str, Any]], data: st.DataObject
) -> None:
    path = folder / "torn"
    whole = written(path, records)
    before = written(path, records[:-1])
    path.write_bytes(whole[: data.draw(st.integers(len(before), len(whole) - 1))])
    with Journal(path) as lines:
        lines.append({"after": True})
    assert journal.read(path) == [*records[:-1], {"after": True}]


def test_zeros_after_a_power_cut_are_a_torn_line(tmp_path: Path) -> None:
    whole = written(tmp_path / "j", THREE)
    (tmp_path / "j").write_bytes(whole + bytes(4096))
    assert journal.read(tmp_path / "j") == THREE


def test_a_flipped_byte_is_refused_with_its_line(tmp_path: Path) -> None:
    path = tmp_path / "j"
    whole = written(path, [*THREE, {"last": 1}])
    ends = [position for position, byte in enumerate(whole) if byte == ord("\n")]
    for position in range(ends[-1]):
        path.write_bytes(whole[:position] + bytes([whole[position] ^ 4]) + whole[position + 1 :])
        line = sum(end < position for end in ends) + 1
        with pytest.raises(UserError, match=f"{path} is damaged at line {line}: "):
            journal.read(path)
    with pytest.raises(UserError, match="is damaged at line 4"):
        Journal(path)
    assert len(path.read_bytes()) == len(whole)


def test_a_missing_line_end_in_the_middle_is_damage(tmp_path: Path) -> None:
    whole = written(tmp_path / "j", THREE)
    (tmp_path / "j").write_bytes(whole.replace(b"\n", b"", 1))
    with pytest.raises(UserError, match="is damaged at line 1"):
        journal.read(tmp_path / "j")


def test_the_checksum_has_its_key_for_itself(tmp_path: Path) -> None:
    with Journal(tmp_path / "j") as lines, pytest.raises(ValueError, match="cannot have the key 'crc'"):
        lines.append({"crc": 1})
    assert journal.read(tmp_path / "j") == []


def test_one_write_a_line(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    writes: list[bytes] = []
    real = os.write
    with Journal(tmp_path / "j") as lines:
        monkeypatch.setattr(os, "write", lambda fd, data: (writes.append(data), real(fd, data))[1])
        for record in THREE:
            lines.append(record)
    monkeypatch.undo()
    assert writes == (tmp_path / "j").read_bytes().splitlines(keepends=True)


def test_closing_twice_is_fine_and_makes_parents(tmp_path: Path) -> None:
    lines = Journal(tmp_path / "a" / "b" / "j")
    lines.append({"x": 1})
    lines.close()
    lines.close()
    assert journal.read(lines.path) == [{"x": 1}]


class NearlyFull:
    """Takes `room` more bytes, then no more."""

    def __init__(self, room: int) -> None:
        self.room, self.real = room, os.write

    def __call__(self, descriptor: int, data: bytes) -> int:
        if self.room == 0:
            raise OSError(errno.ENOSPC, "No space left on device")
        part = data[: self.room]
        self.room -= len(part)
        return self.real(descriptor, part)


@pytest.mark.parametrize("room", [0, 1, 20])
def test_a_full_disk_takes_a_line_whole_or_not_at_all(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, room: int
) -> None:
    with Journal(tmp_path / "j") as lines:
        lines.append({"x": 1})
        monkeypatch.setattr(os, "write", NearlyFull(room))
        with pytest.raises(RailyardError, match=f"no space left on device while writing {tmp_path / 'j'}: free"):
            lines.append({"a long record": "of many bytes"})
        monkeypatch.undo()
        lines.append({"x": 2})
    assert journal.read(tmp_path / "j") == [{"x": 1}, {"x": 2}]


WRITER = """
import sys
from railyard.core.store.journal import Journal
lines = Journal(sys.argv[1])
for step in range(10**9):
    lines.append({"step": step, "padding": "x" * (step % 5000)})
    print(step, flush=True)
"""


def test_appended_lines_survive_sigkill(tmp_path: Path) -> None:
    for lines_to_wait in (1, 7, 300):
        path = tmp_path / str(lines_to_wait)
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            for _ in range(lines_to_wait):
                child.stdout.readline()
            child.send_signal(signal.SIGKILL)
        records = journal.read(path)
        assert len(records) >= lines_to_wait
        assert [record["step"] for record in records] == list(range(len(records)))


def test_cut_keeps_what_is_wanted(tmp_path: Path, caplog: pytest.LogCaptureFixture) -> None:
    path = tmp_path / "j"
    whole = written(path, [{"step": step} for step in range(10)])
    path.write_bytes(whole + b'{"torn')
    assert journal.cut(path, lambda record: record["step"] < 7) == 3
    assert journal.read(path) == [{"step": step} for step in range(7)]
    assert whole.startswith(path.read_bytes())
    assert [record.levelno for record in caplog.records] == [logging.WARNING]


def test_an_interrupted_cut_changes_nothing(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "j"
    whole = written(path, THREE)

    def full(*_: object) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "replace", full)
    with pytest.raises(RailyardError, match="no space left"):
        journal.cut(path, lambda record: False)
    assert path.read_bytes() == whole
    assert list(tmp_path.iterdir()) == [path]


@pytest.mark.parametrize("body", [b"[1]", b'{"a":"\\ud800"}', b"[" * 100_000])
def test_a_line_with_its_checksum_that_is_no_record_is_refused(tmp_path: Path, body: bytes) -> None:
    (tmp_path / "j").write_bytes(journal._sealed(body))
    with pytest.raises(UserError, match=r"j (is not as it was written, at|has no object at|is damaged at) line 1"):
        journal.read(tmp_path / "j")


def test_a_line_without_end_is_not_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(journal, "LONGEST_LINE", 100)
    (tmp_path / "j").write_bytes(b"\0" * 101)
    with pytest.raises(UserError, match="j, line 1: it is longer than 100 bytes"):
        journal.read(tmp_path / "j")
