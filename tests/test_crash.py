"""Every writer is killed at its operations on the disk and at random times. `./run prove crash` does it in full."""

import ast
from pathlib import Path

import crash_harness as harness
import crash_writers as table
import pytest

import railyard

SOURCE = Path(railyard.__file__).parent
LIGHT = ("file", "folder", "manifest", "journal", "journal cut", "stream")  # need neither torch nor compiled code
WRITING_CALLS = {
    *("atomic_file", "atomic_folder", "new_file", "write_bytes", "write_text", "write_json", "write_manifest"),
    *("Journal", "ShardWriter", "open_stream", "runs_writer", "connect", "save_file", "savefig", "print_png"),
    *("memmap", "open_memmap", "tofile", "to_csv", "to_parquet", "mkstemp", "symlink_to", "touch"),
}


@pytest.fixture(scope="module")
def outcomes():
    """`table.outcomes` in a process that is safe to fork."""
    with harness.warm_process() as warm:
        yield lambda *args: warm(table.outcomes, *args)


def temporary(tmp_path):
    """Another file system for TMPDIR, if there is one: nothing may be renamed from there."""
    return harness.other_filesystem(tmp_path)


@pytest.mark.parametrize("name", LIGHT)
def test_a_kill_after_any_operation_leaves_old_or_new(name, tmp_path, outcomes):
    found = outcomes(name, tmp_path / "trials", temporary(tmp_path))
    assert [outcome for outcome in found if outcome.faults] == []
    assert sum(len(outcome.kills) for outcome in found) == len(found) >= 8


@pytest.mark.slow
@pytest.mark.parametrize("name", [writer.name for writer in table.WRITERS])
def test_killed_writers_leave_old_or_new_and_end_with_the_same_bytes(name, tmp_path, outcomes):
    hits = 0
    for most, kills in ((12, 0), (None, 4)):
        found = outcomes(name, tmp_path / f"{kills} kills", temporary(tmp_path), most, kills)
        assert [outcome for outcome in found if outcome.faults] == []
        hits += sum(len(outcome.kills) for outcome in found)
    assert hits >= 4


@pytest.mark.slow
def test_killed_play_leaves_the_same_bytes_for_any_number_of_places(tmp_path):
    with harness.warm_process() as warm:
        found = [
            warm(table.killed_play, places, groups, tmp_path / str(places), 5) for places, groups in ((1, 1), (64, 3))
        ]
    assert [outcome.faults for outcome, _ in found] == [[], []]
    assert [len(outcome.kills) for outcome, _ in found] == [5, 5]
    assert found[0][1] == found[1][1]


@pytest.mark.parametrize(
    ("name", "fault"),
    [
        ("torn file", "neither old nor new: x"),
        ("early promise", "1 acknowledged records are lost"),
        ("other bytes", "the last call ends with other bytes: j"),
        ("left behind", "the last call leaves temporary files: .x."),
    ],
)
def test_the_harness_sees_what_is_wrong(name, fault, tmp_path, outcomes):
    found = outcomes(name, tmp_path / "trials", None)
    assert any(said.startswith(fault) for outcome in found for said in outcome.faults)


def test_every_module_that_writes_is_in_the_table():
    covered = {module for writer in table.WRITERS for module in writer.covers.split()} | table.ELSEWHERE.keys()
    modules = {".".join(path.relative_to(SOURCE).with_suffix("").parts): path for path in SOURCE.rglob("*.py")}
    writing = {name for name, path in modules.items() if writes(path)}
    assert sorted(writing - covered) == [], "add a line to WRITERS in crash_writers.py"
    assert sorted(covered - modules.keys()) == [], "there are no such modules"


def writes(path):
    """Whether a module calls anything that writes, by its name, or opens a file with a mode that does."""
    calls = [node for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))) if isinstance(node, ast.Call)]
    return any(_name(call) in WRITING_CALLS or _by_full_name(call) or _opens_to_write(call) for call in calls)


def _name(call):
    return getattr(call.func, "attr", None) or getattr(call.func, "id", None)


def _by_full_name(call):
    return ast.unparse(call.func) in ("journal.cut", "np.save", "np.savez")


def _opens_to_write(call):
    if _name(call) != "open":
        return False
    words = [
        node.value for node in [*call.args, *(key.value for key in call.keywords)] if isinstance(node, ast.Constant)
    ]
    return any(isinstance(word, str) and set(word) <= set("rwxabt+") and set(word) & set("wxa+") for word in words)
