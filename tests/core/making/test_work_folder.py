import errno
import fcntl
import json

import pytest

from railyard.core import package
from railyard.core.errors import RailyardError, UserError
from railyard.core.making.outputs import work_place
from railyard.core.making.work_folder import work_folder
from railyard.core.store import durable
from railyard.core.store.workers import WorkerDied

ORIGIN = {"source": "logs"}
KEPT = "keeps what is done: the same command goes on from there"


def full_disk():
    with durable.explain_full_disk("x"):
        raise OSError(errno.ENOSPC, "No space left on device")


def begin(out, end, origin=ORIGIN):
    """Leaves a file and ends with an exception."""
    with work_folder(out, origin) as work:
        (work / "done").touch()
        end()


def raising(error):
    def end():
        raise error("stop")

    return end


@pytest.mark.parametrize("end", [raising(KeyboardInterrupt), raising(WorkerDied), raising(OSError), full_disk])
def test_what_is_done_outlives_an_interrupt_a_lost_worker_and_a_full_disk(tmp_path, caplog, end):
    with pytest.raises((KeyboardInterrupt, RailyardError, OSError)):
        begin(tmp_path / "out", end)
    assert KEPT in caplog.text
    with work_folder(tmp_path / "out", ORIGIN) as work:
        assert (work / "done").exists()
    assert list(tmp_path.iterdir()) == []


def test_a_users_mistake_removes_it(tmp_path, caplog):
    with pytest.raises(UserError):
        begin(tmp_path / "out", raising(UserError))
    assert list(tmp_path.iterdir()) == []
    assert KEPT not in caplog.text


def test_work_of_another_origin_or_version_is_kept_and_named_once(tmp_path, caplog, monkeypatch):
    out = tmp_path / "out"
    with pytest.raises(KeyboardInterrupt):
        begin(out, raising(KeyboardInterrupt))
    with monkeypatch.context() as patch:
        patch.setattr(package, "__version__", "0.0.1")
        with pytest.raises(KeyboardInterrupt):
            begin(out, raising(KeyboardInterrupt))
        older = work_place(out, ORIGIN)
    caplog.clear()
    with work_folder(out, {"source": "other"}) as work:
        assert [path.name for path in work.iterdir() if path.name != ".lock"] == ["origin.json"]
    (record,) = caplog.records
    assert str(older) in record.getMessage()
    assert str(work_place(out, ORIGIN)) in record.getMessage()
    assert "begun with other data or options, or by another version" in record.getMessage()
    assert (older / "done").exists()
    assert (work_place(out, ORIGIN) / "done").exists()


def test_it_says_what_it_is_of(tmp_path):
    with work_folder(tmp_path / "out", ORIGIN) as work:
        found = json.loads((work / "origin.json").read_text())
    assert found == {"source": "logs", "railyard_version": package.__version__}


def test_two_processes_do_not_share_it(tmp_path):
    folder = work_place(tmp_path / "out", ORIGIN)
    folder.mkdir(parents=True)
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(UserError, match="is being written by another process"):
            begin(tmp_path / "out", lambda: None)
    assert folder.is_dir()
