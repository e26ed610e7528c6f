"""One process at a time writes a folder; who only looks turns nobody away."""

import fcntl
import subprocess
import sys

import pytest

from railyard.core.store import lock
from railyard.core.store.lock import _held, is_locked, locked


def test_a_locked_folder_refuses_another_process_and_lets_its_own_in(tmp_path):
    code = f"""
from pathlib import Path
from railyard.core.errors import UserError
from railyard.core.store.lock import locked
try:
    with locked(Path({str(tmp_path)!r})): print("in")
except UserError as fault:
    print(fault)
"""

    def another():
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        ).stdout

    with locked(tmp_path), locked(tmp_path):
        assert "is being written by another process" in another()
    assert another() == "in\n"


def test_whether_a_folder_is_being_written(tmp_path):
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_somebody_who_looks_does_not_turn_a_writer_away(tmp_path, monkeypatch):
    (tmp_path / ".lock").touch()
    with (tmp_path / ".lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(lock.time, "sleep", lambda seconds: looking.close())
        with locked(tmp_path):
            assert is_locked(tmp_path)


def test_the_lock_is_given_back_after_a_failure(tmp_path):
    with pytest.raises(ValueError, match="x"), locked(tmp_path):
        raise ValueError("x")
    with locked(tmp_path):
        assert tmp_path.resolve() in _held
    assert tmp_path.resolve() not in _held
