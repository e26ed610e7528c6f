import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.packs.resumable_shards import ResumableShards
from railyard.core.store.shards import ShardSet, ShardWriter

PAIR = np.dtype([("a", "<u4"), ("b", "<u2")])


def rows(first, count):
    made = np.zeros(count, PAIR)
    made["a"] = np.arange(first, first + count)
    return made


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@settings(deadline=None, max_examples=20)
@given(
    shard_rows=st.none() | st.integers(1, 7),
    parts=st.lists(st.tuples(st.integers(0, 9), st.integers(0, 5)), min_size=1, max_size=4),
)
def test_shards_taken_up_again_are_those_of_one_writer(tmp_path_factory, shard_rows, parts):
    folder = tmp_path_factory.mktemp("shards")
    (folder / "ours").mkdir()
    (folder / "theirs").mkdir()
    total = 0
    for kept, lost in parts:
        shards = ResumableShards(folder / "ours", "steps", PAIR, shard_rows, total)
        shards.write(rows(total, kept))
        shards.sync()
        total += kept
        shards.write(rows(9999, lost))  # written, never noted
        shards.close()
    last = ResumableShards(folder / "ours", "steps", PAIR, shard_rows, total)
    last.finish()
    with ShardWriter(folder / "theirs", "steps", PAIR, shard_rows) as writer:
        writer.write(rows(0, total))
    assert content(folder / "ours") == content(folder / "theirs")


def test_finished_shards_can_be_taken_up_and_go_on(tmp_path):
    for first in (0, 5):
        shards = ResumableShards(tmp_path, "steps", PAIR, None, first)
        shards.write(rows(first, 5))
        shards.finish()
    assert ShardSet.open(tmp_path, "steps", PAIR).gather(np.arange(10))["a"].tolist() == list(range(10))


@pytest.mark.parametrize("name", ["steps-00000.npy", "steps-00001.npy"])
def test_shards_with_fewer_rows_than_noted_are_refused(tmp_path, name):
    shards = ResumableShards(tmp_path, "steps", PAIR, 4)
    shards.write(rows(0, 6))
    shards.close()
    path = tmp_path / name
    path.write_bytes(path.read_bytes()[:-1])
    with pytest.raises(ValueError, match=f"{name} has .* bytes, fewer than"):
        ResumableShards(tmp_path, "steps", PAIR, 4, 6)
