import fcntl
from contextlib import suppress

import numpy as np
import pytest

from railyard.board.packs import partial
from railyard.board.packs.partial import place_of, work_folder
from railyard.board.packs.schema import STEP
from railyard.core.errors import RailyardError, UserError
from railyard.core.store.workers import WorkerDied

ORIGIN = {"source": "logs"}


@pytest.fixture(autouse=True)
def commit_at_once(monkeypatch):
    monkeypatch.setattr(partial, "COMMIT_SECONDS", 0)


def begin(out, error=KeyboardInterrupt):
    """Does two games and stops with an error."""

    def work():
        with work_folder(out, ORIGIN, None) as work:
            for game in range(2):
                work.add({"rows": 3, "game": game}, np.zeros(3, STEP))
            raise error("stop")

    with pytest.raises(error):
        work()


def records(out, origin=ORIGIN):
    """What is found there, and left there."""
    with suppress(KeyboardInterrupt), work_folder(out, origin, None) as work:
        found = list(work.records)
        raise KeyboardInterrupt
    return found


def test_it_stands_beside_the_pack_also_through_a_link(tmp_path):
    (tmp_path / "real").mkdir()
    (tmp_path / "link").symlink_to(tmp_path / "real")
    assert place_of(tmp_path / "real") == place_of(tmp_path / "link") == tmp_path / ".real.partial"


@pytest.mark.parametrize("error", [KeyboardInterrupt, WorkerDied])
def test_an_interrupt_or_a_lost_worker_keeps_it_and_says_so(tmp_path, caplog, error):
    begin(tmp_path / "out", error=error)
    assert ".out.partial keeps what is done: the same command goes on from there" in caplog.text
    assert [record["game"] for record in records(tmp_path / "out")] == [0, 1]


@pytest.mark.parametrize("error", [UserError, RailyardError])
def test_an_error_that_would_come_again_removes_it(tmp_path, error):
    begin(tmp_path / "out", error=error)
    assert list(tmp_path.iterdir()) == []


def test_another_origin_starts_anew(tmp_path, caplog):
    begin(tmp_path / "out")
    assert records(tmp_path / "out", {"source": "other"}) == []
    assert "was begun with other data or options, or by another version" in caplog.text


def test_games_whose_rows_are_gone_are_done_again(tmp_path, caplog):
    begin(tmp_path / "out")
    (place_of(tmp_path / "out") / "pack" / "steps.npy").unlink()
    assert records(tmp_path / "out") == []
    assert "cannot be taken up (" in caplog.text


def test_a_damaged_journal_starts_anew(tmp_path, caplog):
    begin(tmp_path / "out")
    path = place_of(tmp_path / "out") / "journal.jsonl"
    path.write_bytes(path.read_bytes().replace(b'"rows":3', b'"rows":4', 1))
    assert records(tmp_path / "out") == []
    assert "damaged at line 2" in caplog.text


def test_a_kill_before_the_first_note_starts_silently(tmp_path, caplog):
    begin(tmp_path / "out")
    (place_of(tmp_path / "out") / "journal.jsonl").write_bytes(b"")
    caplog.clear()
    assert records(tmp_path / "out") == []
    assert "anew" not in caplog.text


def test_two_processes_do_not_share_it(tmp_path):
    folder = place_of(tmp_path / "out")
    folder.mkdir()
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with (
            pytest.raises(UserError, match="is being written by another process"),
            work_folder(tmp_path / "out", ORIGIN, None),
        ):
            pass
    assert folder.is_dir()


def test_publishing_gives_the_pack_its_place(tmp_path):
    with work_folder(tmp_path / "out", ORIGIN, 2) as work:
        work.add({"rows": 3}, np.zeros(3, STEP))
        work.finish()
        work.publish(tmp_path / "out")
    assert sorted(path.name for path in tmp_path.rglob("*")) == ["out", "steps-00000.npy", "steps-00001.npy"]
