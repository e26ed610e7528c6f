import errno
import multiprocessing
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.errors import RailyardError
from railyard.core.making import streams
from railyard.core.making.streams import DATA, JOURNAL, Stream, open_stream
from railyard.core.store import durable, journal
from railyard.core.store.shards import ShardSet, ShardWriter

PAIR, VECTOR = np.dtype([("a", "<u4"), ("b", "<u2")]), np.dtype(("<f4", (3,)))
FAMILIES = {"steps": PAIR, "steps_more": VECTOR}


def rows(first, count):
    """Rows of both families that tell their number."""
    numbers = np.arange(first, first + count)
    pairs = np.zeros(count, PAIR)
    pairs["a"] = numbers
    return {"steps": pairs, "steps_more": np.repeat(numbers[:, None], 3, 1).astype("<f4")}


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(deadline=None, max_examples=25)
@given(
    shard_rows=st.none() | st.integers(1, 7),
    calls=st.lists(
        st.tuples(st.lists(st.integers(0, 9), max_size=3), st.lists(st.integers(0, 5), max_size=2)),
        min_size=1,
        max_size=4,
    ),
)
def test_a_stream_stopped_at_any_commit_ends_as_one_never_stopped(tmp_path_factory, shard_rows, calls):
    folder, total, expected = tmp_path_factory.mktemp("stream"), 0, []
    for committed, lost in calls:
        stream = Stream(folder, FAMILIES, shard_rows)
        assert stream.records == expected
        for count in committed:
            stream.add({"from": total}, rows(total, count))
            expected.append({"rows": count, "from": total})
            total += count
        stream.commit()
        for count in lost:
            stream.add({"lost": True}, rows(9999, count))
        stream.close()
    with open_stream(folder, FAMILIES, shard_rows) as stream:
        stream.finish()
        assert stream.records == journal.read(folder / JOURNAL) == expected
    (folder / "whole").mkdir()
    for stem, dtype in FAMILIES.items():
        with ShardWriter(folder / "whole", stem, dtype, shard_rows) as writer:
            writer.write(rows(0, total)[stem])
    assert content(folder / DATA) == content(folder / "whole")


def test_a_finished_stream_can_be_taken_up_and_goes_on(tmp_path):
    for first in (0, 5):
        with open_stream(tmp_path, FAMILIES) as stream:
            stream.add({}, rows(first, 5))
            stream.finish()
    assert ShardSet.open(tmp_path / DATA, "steps", PAIR).gather(np.arange(10))["a"].tolist() == list(range(10))


class Order:
    """Notes what reaches the disk, and when."""

    def __init__(self, monkeypatch):
        self.seen = []
        fsync, append = os.fsync, journal.Journal.append
        monkeypatch.setattr(os, "fsync", lambda file: (self.seen.append(os.fstat(file).st_ino), fsync(file))[1])
        monkeypatch.setattr(
            journal.Journal, "append", lambda own, record: (self.seen.append("noted"), append(own, record))[1]
        )


def test_rows_are_on_the_disk_before_they_are_noted_and_the_note_is_before_a_commit_ends(tmp_path, monkeypatch):
    with open_stream(tmp_path, FAMILIES) as stream:
        stream.add({}, rows(0, 1))
        order = Order(monkeypatch)
        for first in (1, 3):
            stream.add({}, rows(first, 1))
            stream.add({}, rows(first + 1, 1))
            order.seen.clear()
            stream.commit()
            *synced, noted = [(tmp_path / DATA / f"{stem}.npy").stat().st_ino for stem in FAMILIES] + [
                (tmp_path / JOURNAL).stat().st_ino
            ]
            assert order.seen[:2] == synced
            assert set(order.seen[2:-1]) == {"noted"}
            assert order.seen[-1] == noted


def test_what_a_killed_call_was_writing_beside_the_shards_is_not_published(tmp_path):
    with open_stream(tmp_path, FAMILIES) as stream:
        stream.add({}, rows(0, 3))
        stream.commit()
    writer = multiprocessing.get_context("fork").Process(
        target=_die_while_writing, args=(tmp_path / DATA / "facts.json",)
    )
    writer.start()
    writer.join()
    assert any(path.suffix == ".tmp" for path in (tmp_path / DATA).iterdir())
    with open_stream(tmp_path, FAMILIES) as stream:
        stream.finish()
    assert sorted(content(tmp_path / DATA)) == ["steps.npy", "steps_more.npy"]


def _die_while_writing(path):
    with durable.atomic_file(path):
        os._exit(0)


def test_it_commits_by_itself_now_and_then(tmp_path, monkeypatch):
    now = [100.0]
    monkeypatch.setattr(streams.time, "monotonic", lambda: now[0])
    with open_stream(tmp_path, FAMILIES) as stream:
        stream.add({}, rows(0, 1))
        now[0] += streams.COMMIT_SECONDS
        assert journal.read(tmp_path / JOURNAL) == []
        stream.add({}, rows(1, 1))
        assert len(journal.read(tmp_path / JOURNAL)) == 2


@pytest.mark.parametrize("name", ["steps-00000.npy", "steps_more-00001.npy"])
def test_a_stream_with_fewer_rows_than_noted_is_begun_anew(tmp_path, caplog, name):
    with open_stream(tmp_path, FAMILIES, 4) as stream:
        stream.add({}, rows(0, 6))
        stream.commit()
    path = tmp_path / DATA / name
    path.write_bytes(path.read_bytes()[:-1])
    with open_stream(tmp_path, FAMILIES, 4) as stream:
        assert stream.records == []
        assert list(stream.folder.iterdir()) == []
    assert f"{name} has " in caplog.text
    assert "fewer than" in caplog.text


def test_a_damaged_journal_is_begun_anew(tmp_path, caplog):
    with open_stream(tmp_path, FAMILIES) as stream:
        stream.add({}, rows(0, 3))
        stream.commit()
    path = tmp_path / JOURNAL
    path.write_bytes(path.read_bytes().replace(b'"rows":3', b'"rows":4'))
    with open_stream(tmp_path, FAMILIES) as stream:
        assert stream.records == []
    assert "cannot be taken up (" in caplog.text
    assert "damaged at line 1" in caplog.text


def test_families_grow_in_lockstep(tmp_path):
    with open_stream(tmp_path, FAMILIES) as stream:
        for wrong in ({**rows(0, 2), "steps": rows(0, 1)["steps"]}, {"steps": rows(0, 1)["steps"]}, {"else": []}):
            with pytest.raises(ValueError, match="grow in lockstep"):
                stream.add({}, wrong)
        with pytest.raises(TypeError, match="expected"):
            stream.add({}, {"steps": np.zeros(1), "steps_more": np.zeros((1, 3), "<f4")})
        stream.add({"left": "out"})
        assert stream.records == [{"rows": 0, "left": "out"}]


def test_a_full_disk_is_one_sentence_and_what_was_committed_is_kept(tmp_path, monkeypatch):
    class Full:
        def write(self, *data):
            raise OSError(errno.ENOSPC, "No space left on device")

        close = write

    stream = Stream(tmp_path, FAMILIES, None)
    stream.add({}, rows(0, 2))
    stream.commit()
    with monkeypatch.context() as patch:
        patch.setattr(stream._families["steps"], "_file", Full())
        with pytest.raises(RailyardError, match="no space left on device while writing"):
            stream.add({}, rows(2, 2))
        stream._families["steps"].close()
    stream.close()
    assert Stream(tmp_path, FAMILIES, None).records == [{"rows": 2}]
