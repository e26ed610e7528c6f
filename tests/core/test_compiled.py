"""The cache of compiled code, in processes of their own: numba reads its settings when it is imported."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

import railyard as package

WORK = """
import logging
logging.basicConfig(level="WARNING")
from doubled import doubled
print(doubled(21) == 42)
"""
DOUBLED = """
from railyard.core.compiled import njit

@njit
def doubled(number):
    return 2 * number
"""


@pytest.fixture(scope="module")
def compiled(tmp_path_factory):
    """A folder with a compiled function, of a file as numba wants it for its cache."""
    folder = tmp_path_factory.mktemp("compiled")
    (folder / "doubled.py").write_text(DOUBLED)
    return folder


def run(compiled, **environment):
    plain = {
        key: value for key, value in os.environ.items() if key not in ("HOME", "XDG_CACHE_HOME", "NUMBA_CACHE_DIR")
    }
    plain |= {"PYTHONPATH": f"{Path(package.__file__).parents[1]}{os.pathsep}{compiled}", **environment}
    return subprocess.run([sys.executable, "-c", WORK], env=plain, capture_output=True, text=True, timeout=100)


def test_a_damaged_cache_is_said_and_made_anew(compiled, tmp_path):
    assert run(compiled, XDG_CACHE_HOME=str(tmp_path)).stdout == "True\n"
    indexes = sorted(tmp_path.rglob("*.nbi"))
    assert indexes
    for index in indexes:
        index.write_bytes(index.read_bytes()[:20])
    again = run(compiled, XDG_CACHE_HOME=str(tmp_path))
    assert again.stdout == "True\n"
    assert "is damaged" in again.stderr
    third = run(compiled, XDG_CACHE_HOME=str(tmp_path))
    assert (third.stdout, third.stderr) == ("True\n", "")


def test_without_the_compiler_it_is_one_sentence(compiled):
    done = run(compiled, NUMBA_DISABLE_JIT="1")
    assert "NUMBA_DISABLE_JIT is set" in done.stderr


def test_a_home_that_cannot_be_written_leaves_no_folder_behind(compiled, tmp_path):
    (tmp_path / "file").touch()
    (tmp_path / "tmp").mkdir()
    done = run(compiled, XDG_CACHE_HOME=str(tmp_path / "file"), TMPDIR=str(tmp_path / "tmp"))
    assert done.stdout == "True\n"
    assert list((tmp_path / "tmp").iterdir()) == []


def test_without_a_home_there_is_one_folder_of_the_user(tmp_path, monkeypatch):
    from railyard.core import compiled

    def homeless():
        raise RuntimeError("Could not determine home directory.")

    monkeypatch.setattr(Path, "home", homeless)
    monkeypatch.setattr(compiled.tempfile, "gettempdir", lambda: str(tmp_path))
    monkeypatch.delenv("XDG_CACHE_HOME", raising=False)
    assert compiled.cache_folder() == compiled.cache_folder()
    (folder,) = tmp_path.iterdir()
    assert folder.stat().st_mode & 0o777 == 0o700
    folder.chmod(0o777)
    with pytest.raises(OSError, match="another user"):
        compiled.cache_folder()
