"""Files and folders are whole after any fault: failed calls, full disks, kills at every step."""

import errno
import json
import os
import random
import resource
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from railyard.core.errors import RailyardError, UserError
from railyard.core.store import durable

CHANGING_CALLS = ("open", "fsync", "replace", "rename", "mkdir", "unlink", "rmdir")
OLD, NEW = b"old" * 5000, b"new!" * 7000

OWN_PID, NO_PID = durable._word(os.getpid(), 5), "vvvvv"


class Killed(BaseException):
    """Stands for SIGKILL: nothing that runs after it can change the disk."""


class Faults:
    """Lets the changing os calls through, but for the n-th one; a kill lets none through from there on."""

    def __init__(self, patch: pytest.MonkeyPatch, nth: int, error: BaseException) -> None:
        self.left, self.error, self.hit = nth, error, False
        for name in CHANGING_CALLS:
            patch.setattr(os, name, self._wrapped(getattr(os, name)))

    def _wrapped(self, call: Callable[..., object]) -> Callable[..., object]:
        def counted(*args: object, **kwargs: object) -> object:
            self.left -= 1
            if self.left == 0 or (self.left < 0 and isinstance(self.error, Killed)):
                self.hit = True
                raise self.error
            return call(*args, **kwargs)

        return counted


def runs_with_a_fault(
    action: Callable[[], None], error: BaseException, monkeypatch: pytest.MonkeyPatch
) -> Iterator[int]:
    """Runs `action` with its first call failing, then its second, … until no fault is met."""
    for nth in range(1, 100):
        with monkeypatch.context() as patch:
            faults = Faults(patch, nth, error)
            try:
                action()
            except (OSError, RailyardError, Killed):
                assert faults.hit
        if not faults.hit:
            return
        yield nth
    raise AssertionError("the action has no end")


def restart(monkeypatch: pytest.MonkeyPatch) -> None:
    """Makes this process look like a later one that was given the same number."""
    monkeypatch.setattr(durable, "_TOKEN", "0badcafe")


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write_old_folder(path: Path) -> None:
    with durable.atomic_folder(path) as folder:
        durable.write_bytes(folder / "a", OLD)
        durable.write_bytes(folder / "only_old", OLD)


def write_new_folder(path: Path) -> None:
    with durable.atomic_folder(path) as folder:
        (folder / "a").write_bytes(NEW)
        (folder / "deep").mkdir()
        (folder / "deep" / "b").write_bytes(NEW)


def folder_content(path: Path) -> dict[str, bytes]:
    files = (file for file in path.rglob("*") if file.is_file())
    return {file.relative_to(path).as_posix(): file.read_bytes() for file in files}


OLD_FOLDER = {"a": OLD, "only_old": OLD}
NEW_FOLDER = {"a": NEW, "deep/b": NEW}


def test_a_file_appears_only_when_the_block_ends(tmp_path: Path) -> None:
    path = tmp_path / "made" / "here" / "x.bin"
    with durable.atomic_file(path) as file:
        file.write(NEW)
        assert not path.exists()
    assert path.read_bytes() == NEW
    assert names(path.parent) == ["x.bin"]


def test_text_mode_is_utf8(tmp_path: Path) -> None:
    with durable.atomic_file(tmp_path / "x", "w") as file:
        file.write("größer\n")
    assert (tmp_path / "x").read_bytes() == "größer\n".encode()


def write_and_stop(path: Path) -> None:
    with durable.atomic_file(path) as file:
        file.write(NEW)
        raise KeyboardInterrupt


def test_an_exception_keeps_the_old_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    durable.write_bytes(path, OLD)
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(path)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["x"]


def test_a_link_is_replaced_and_its_target_kept(tmp_path: Path) -> None:
    (tmp_path / "target").write_bytes(OLD)
    (tmp_path / "link").symlink_to("target")
    durable.write_bytes(tmp_path / "link", NEW)
    assert (tmp_path / "target").read_bytes() == OLD
    assert not (tmp_path / "link").is_symlink()


def test_files_get_the_usual_permissions(tmp_path: Path) -> None:
    durable.write_bytes(tmp_path / "x", b"")
    (tmp_path / "usual").touch()
    assert (tmp_path / "x").stat().st_mode == (tmp_path / "usual").stat().st_mode


def test_the_order_is_fsync_rename_fsync(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    calls: list[str] = []
    for name in ("fsync", "replace", "rename"):
        real = getattr(os, name)
        monkeypatch.setattr(os, name, lambda *a, real=real, name=name: (calls.append(name), real(*a))[1])
    durable.write_bytes(tmp_path / "x", NEW)
    assert calls == ["fsync", "replace", "fsync"]
    calls.clear()
    write_new_folder(tmp_path / "f")
    files_and_folders = 4
    old_aside_new_in = ["rename", "rename"]
    assert calls == ["fsync"] * files_and_folders + old_aside_new_in + ["fsync"]
    calls.clear()
    durable.write_manifest(tmp_path / "f", {})
    assert calls == ["fsync"] * files_and_folders + ["fsync", "replace", "fsync"]


def test_any_failing_call_leaves_old_or_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    seen = set()
    durable.write_bytes(path, OLD)
    for _ in runs_with_a_fault(lambda: durable.write_bytes(path, NEW), OSError(errno.EIO, "fault"), monkeypatch):
        content = path.read_bytes()
        seen.add(content)
        assert content in (OLD, NEW)
        durable.write_bytes(path, OLD)
        durable.remove_leftovers(tmp_path)
    assert seen == {OLD, NEW}


def test_a_kill_at_any_call_leaves_old_or_new_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    durable.write_bytes(path, OLD)
    left_behind = set()
    for _ in runs_with_a_fault(lambda: durable.write_bytes(path, NEW), Killed(), monkeypatch):
        assert path.read_bytes() in (OLD, NEW)
        with monkeypatch.context() as patch:
            left_behind.add(len(names(tmp_path)))
            restart(patch)
            durable.remove_leftovers(tmp_path)
        assert names(tmp_path) == ["x"]
        durable.write_bytes(path, OLD)
    assert left_behind == {1, 2}


@contextmanager
def file_size_limit(size: int) -> Iterator[None]:
    """Real failing writes: the kernel refuses bytes beyond `size` in any file."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def write_in_pieces(path: Path) -> None:
    with durable.atomic_file(path) as file:
        for start in range(0, len(NEW), 1000):
            file.write(NEW[start : start + 1000])


@pytest.mark.parametrize("size", [0, 1, 4096, 8192, 16384, len(NEW) - 1])
def test_a_failing_write_keeps_the_old_file(tmp_path: Path, size: int) -> None:
    path = tmp_path / "x"
    durable.write_bytes(path, OLD)
    with pytest.raises(OSError, match="File too large"), file_size_limit(size):
        write_in_pieces(path)
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["x"]


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="this system has no /dev/full")
def test_a_full_disk_is_told_in_one_sentence(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "x"
    durable.write_bytes(path, OLD)
    real_open = os.open
    monkeypatch.setattr(os, "open", lambda *_: real_open("/dev/full", os.O_RDWR))
    with pytest.raises(RailyardError, match=f"no space left on device while writing {path}: free some space"):
        durable.write_bytes(path, NEW)
    monkeypatch.undo()
    assert path.read_bytes() == OLD
    assert names(tmp_path) == ["x"]


@pytest.mark.parametrize("number", [errno.ENOSPC, errno.EDQUOT])
@pytest.mark.parametrize("write", [lambda path: durable.write_bytes(path, NEW), write_new_folder])
def test_a_rename_on_a_full_disk_keeps_the_old(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, number: int, write: Callable[[Path], None]
) -> None:
    def full(*_: object) -> None:
        raise OSError(number, os.strerror(number))

    with monkeypatch.context() as patch:
        patch.setattr(os, "replace", full)
        patch.setattr(os, "rename", full)
        with pytest.raises(RailyardError, match=f"no space left on device while writing {tmp_path / 'x'}") as caught:
            write(tmp_path / "x")
    assert not isinstance(caught.value, UserError)
    assert names(tmp_path) == []


def test_other_os_errors_are_not_renamed(tmp_path: Path) -> None:
    with pytest.raises(IsADirectoryError):
        durable.write_bytes(tmp_path, NEW)


def test_the_systems_temporary_folder_is_never_used(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("TMPDIR", str(tmp_path / "does_not_exist"))
    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path / "does_not_exist"))
    with durable.atomic_folder(tmp_path / "here") as folder:
        assert folder.parent == tmp_path
        with durable.atomic_file(folder / "x") as file:
            assert [name.startswith(".x.") for name in names(folder)] == [True]
            file.write(NEW)
    assert names(tmp_path) == ["here"]


WRITER = """
import sys
from railyard.core.store import durable
print("ready", flush=True)
for digit in range(10**9):
    durable.write_bytes(sys.argv[1], str(digit % 10).encode() * 300_000)
"""


def test_sigkill_while_rewriting_leaves_a_whole_file(tmp_path: Path) -> None:
    path = tmp_path / "x"
    durable.write_bytes(path, b"0" * 300_000)
    pause = random.Random(5)
    for _ in range(5):
        with subprocess.Popen([sys.executable, "-c", WRITER, str(path)], stdout=subprocess.PIPE) as child:
            assert child.stdout is not None
            child.stdout.readline()
            time.sleep(pause.uniform(0.001, 0.03))
            child.send_signal(signal.SIGKILL)
        content = path.read_bytes()
        assert len(content) == 300_000
        assert len(set(content)) == 1
        durable.remove_leftovers(tmp_path)
        assert names(tmp_path) == ["x"]


def test_leftovers_of_the_living_and_of_strangers_stay(tmp_path: Path) -> None:
    mine = durable._sibling(tmp_path / "mine", "tmp")
    parent = tmp_path / mine.name.replace(OWN_PID, durable._word(os.getppid(), 5))
    other_host = tmp_path / mine.name.replace(durable._HOST, "000").replace(OWN_PID, NO_PID)
    user_file = tmp_path / ".mine.tmp"
    kept = [mine, parent, other_host, user_file]
    dead = tmp_path / mine.name.replace(OWN_PID, NO_PID)
    for path in [*kept, dead]:
        path.touch()
    durable.remove_leftovers(tmp_path)
    assert names(tmp_path) == sorted(path.name for path in kept)


def test_the_first_file_of_a_process_clears_its_folder_of_the_dead(tmp_path: Path) -> None:
    mine = durable._sibling(tmp_path / "mine", "tmp")
    dead = tmp_path / mine.name.replace(OWN_PID, NO_PID)
    for path in (mine, dead):
        path.touch()
    durable.write_bytes(tmp_path / "other", NEW)
    assert names(tmp_path) == sorted([mine.name, "other"])
    dead.touch()  # later files cost no look at the folder
    durable.write_bytes(tmp_path / "other", NEW)
    assert dead.name in names(tmp_path)


def test_a_process_of_another_user_lives(monkeypatch: pytest.MonkeyPatch) -> None:
    def not_allowed(pid: int, signal_number: int) -> None:
        raise PermissionError

    monkeypatch.setattr(os, "kill", not_allowed)
    assert durable.process_exists(1)


def test_a_folder_replaces_the_one_before(tmp_path: Path) -> None:
    write_old_folder(tmp_path / "f")
    assert folder_content(tmp_path / "f") == OLD_FOLDER
    write_new_folder(tmp_path / "f")
    assert folder_content(tmp_path / "f") == NEW_FOLDER
    assert names(tmp_path) == ["f"]


def test_an_exception_keeps_the_old_folder(tmp_path: Path) -> None:
    write_old_folder(tmp_path / "f")
    with pytest.raises(KeyboardInterrupt), durable.atomic_folder(tmp_path / "f") as folder:
        write_and_stop(folder / "a")
    assert folder_content(tmp_path / "f") == OLD_FOLDER
    assert names(tmp_path) == ["f"]


def test_a_folder_does_not_replace_a_file(tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(OLD)
    with pytest.raises(UserError, match="f is a file, but a folder is to be written there"):
        write_new_folder(tmp_path / "f")
    assert (tmp_path / "f").read_bytes() == OLD
    assert names(tmp_path) == ["f"]


def test_any_failing_call_leaves_old_or_new_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    path = tmp_path / "f"
    write_old_folder(path)
    for _ in runs_with_a_fault(lambda: write_new_folder(path), OSError(errno.EIO, "fault"), monkeypatch):
        assert folder_content(path) in (OLD_FOLDER, NEW_FOLDER)
        with monkeypatch.context() as patch:
            restart(patch)
            write_old_folder(path)
        assert names(tmp_path) == ["f"]


@pytest.mark.parametrize("first_of_two", [False, True])
def test_a_kill_at_any_call_leaves_old_or_new_folder(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, first_of_two: bool
) -> None:
    path = tmp_path / "f"
    if not first_of_two:
        write_old_folder(path)
    before = {} if first_of_two else OLD_FOLDER
    moved_aside = 0
    for _ in runs_with_a_fault(lambda: write_new_folder(path), Killed(), monkeypatch):
        moved_aside += not path.exists()
        with monkeypatch.context() as patch:
            restart(patch)
            durable.remove_leftovers(tmp_path)
        assert folder_content(path) in (before, NEW_FOLDER)
        assert names(tmp_path) == (["f"] if path.exists() else [])
        durable._remove(path)
        if not first_of_two:
            write_old_folder(path)
    assert first_of_two or moved_aside == 1


def test_the_next_writer_puts_an_interrupted_swap_right(tmp_path: Path) -> None:
    aside = durable._sibling(tmp_path / "f", "old").name.replace(OWN_PID, NO_PID)
    write_old_folder(tmp_path / aside)
    with pytest.raises(ZeroDivisionError), durable.atomic_folder(tmp_path / "f"):
        raise ZeroDivisionError
    assert folder_content(tmp_path / "f") == OLD_FOLDER
    assert names(tmp_path) == ["f"]


def test_json_has_indent_and_a_last_newline(tmp_path: Path) -> None:
    durable.write_json(tmp_path / "x.json", {"a": [1]})
    assert (tmp_path / "x.json").read_text() == '{\n  "a": [\n    1\n  ]\n}\n'


def test_sha256_is_the_known_one(tmp_path: Path) -> None:
    durable.write_text(tmp_path / "x", "abc")
    assert durable.sha256_of(tmp_path / "x") == "ba7816bf8f01cfea414140de5dae2223b00361a396177a9cb410ff61f20015ad"


def test_manifest_names_every_file_and_the_facts(tmp_path: Path) -> None:
    write_new_folder(tmp_path / "f")
    durable._sibling(tmp_path / "f" / "x", "tmp").touch()
    path = durable.write_manifest(tmp_path / "f", {"made_by": "test"})
    assert path == tmp_path / "f" / "manifest.json"
    manifest = durable.check_manifest(tmp_path / "f")
    assert manifest == json.loads(path.read_bytes())
    assert manifest["schema_version"] == 1
    assert manifest["made_by"] == "test"
    assert list(manifest["files"]) == ["a", "deep/b"]
    assert manifest["files"]["a"] == {"bytes": len(NEW), "sha256": durable.sha256_of(tmp_path / "f" / "a")}
    durable.write_manifest(tmp_path / "f", {})
    assert list(durable.check_manifest(tmp_path / "f")["files"]) == ["a", "deep/b"]


def test_manifest_check_names_the_first_file_that_is_wrong(tmp_path: Path) -> None:
    write_new_folder(tmp_path)
    durable.write_manifest(tmp_path, {})
    (tmp_path / "deep" / "b").write_bytes(NEW[:-1] + b"?")
    with pytest.raises(UserError, match=r"deep/b differs from manifest.json: expected 28000 bytes, sha256"):
        durable.check_manifest(tmp_path)
    (tmp_path / "a").unlink()
    with pytest.raises(UserError, match=r"/a is missing although manifest.json names it"):
        durable.check_manifest(tmp_path)


@pytest.mark.parametrize(
    ("text", "message"),
    [
        (None, "manifest.json is missing: the folder was never completed"),
        ("{", "manifest.json is not valid JSON"),
        ("[]", "manifest.json (is not of schema_version 1|does not hold a JSON object)"),
        ('{"schema_version": 2}', "manifest.json (is not of schema_version 1|does not hold a JSON object)"),
    ],
)
def test_manifest_check_refuses_what_is_no_manifest(tmp_path: Path, text: str | None, message: str) -> None:
    if text is not None:
        (tmp_path / "manifest.json").write_text(text)
    with pytest.raises(UserError, match=message):
        durable.check_manifest(tmp_path)


def test_a_temporary_name_is_20_characters_longer(tmp_path):
    durable.write_text(tmp_path / ("n" * 235), "x")
    assert len(durable._sibling(tmp_path / "name", "tmp").name) == len("name") + 20


@pytest.mark.parametrize("name", ["../mine", "/etc/passwd"])
def test_a_manifest_names_files_of_its_folder_only(name, tmp_path):
    facts = {"schema_version": 1, "files": {name: {"bytes": 1, "sha256": ""}}}
    durable.write_json(tmp_path / "manifest.json", facts)
    with pytest.raises(UserError, match="names a file outside its folder"):
        durable.check_manifest(tmp_path)
