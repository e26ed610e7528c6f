"""Two self-play pools in one: runs numbered anew, rows in their order, embeddings with them."""

import numpy as np
import pytest

from railyard.board.packs.merging_pools import merge_pools
from railyard.board.packs.metadata import Run, read_ends, runs_writer
from railyard.board.packs.schema import SELFPLAY
from railyard.board.packs.selfplay import SelfplayPool
from railyard.core.errors import UserError
from railyard.core.store import durable


def write_pool(folder, rows, runs, width=None, ends=None):
    """A pool whose rows are of these runs, in this order, in shards of 3 rows."""
    folder.mkdir()
    table = np.zeros(len(rows), SELFPLAY)
    table["run_id"], table["step_idx"] = rows, np.arange(len(rows))
    table["exps"] = (np.arange(len(rows))[:, None] + runs[0]) % 12
    for number, start in enumerate(range(0, len(rows), 3), 1):
        np.save(folder / f"steps-{number:06d}.npy", table[start : start + 3])
        if width:
            values = np.arange(start, min(start + 3, len(rows)), dtype=np.float32)[:, None] + runs[0] * np.ones(width)
            np.save(folder / f"embeddings-{number:06d}.npy", values.astype(np.float32))
    with runs_writer(folder / "metadata.db") as writer:
        for run in runs:
            writer.add(Run(run, 100 + run, rows.count(run), 10, 2), (ends or {}).get(run))
    return folder


@pytest.fixture
def left(tmp_path):
    ends = {4: "no legal move", 7: "max_moves reached"}
    return write_pool(tmp_path / "left", [4, 7, 4, 7, 7], [4, 7], width=2, ends=ends)


@pytest.fixture
def right(tmp_path):
    return write_pool(tmp_path / "right", [0, 2**40, 0, 0], [0, 2**40], width=2)


def whole(folder):
    pool = SelfplayPool.open(folder)
    every = np.arange(len(pool))
    return pool, pool.rows.gather(every), None if pool.embeddings is None else pool.embeddings.gather(every)


def test_runs_are_numbered_anew_and_rows_keep_their_order(left, right, tmp_path):
    report = merge_pools(left, right, tmp_path / "out", shard_rows=4)
    assert (report.runs, report.rows, report.already_there) == (4, 9, False)
    pool, rows, values = whole(tmp_path / "out")
    assert rows["run_id"].tolist() == [0, 1, 0, 1, 1, 2, 3, 2, 2]
    assert pool.runs.seed.tolist() == [104, 107, 100, (100 + 2**40)]
    for name in ("step_idx", "exps"):
        parts = [whole(side)[1][name] for side in (left, right)]
        np.testing.assert_array_equal(rows[name], np.concatenate(parts))
    np.testing.assert_array_equal(values, np.concatenate([whole(side)[2] for side in (left, right)]))
    assert [path.name for path in pool.rows.paths] == ["steps-000001.npy", "steps-000002.npy", "steps-000003.npy"]
    assert read_ends(tmp_path / "out" / "metadata.db") == {0: "no legal move", 1: "max_moves reached"}
    durable.check_manifest(tmp_path / "out")


def test_the_same_merge_is_left_alone(left, right, tmp_path):
    merge_pools(left, right, tmp_path / "out")
    assert merge_pools(left, right, tmp_path / "out").already_there
    assert [path.name for path in SelfplayPool.open(tmp_path / "out").rows.paths] == ["steps-000001.npy"]
    with pytest.raises(UserError, match="is not this merge"):
        merge_pools(right, left, tmp_path / "out")


def test_a_merged_pool_merges(left, right, tmp_path):
    merge_pools(left, right, tmp_path / "once", shard_rows=4)
    merge_pools(tmp_path / "once", tmp_path / "once", tmp_path / "twice")
    _, rows, _ = whole(tmp_path / "twice")
    assert rows["run_id"].tolist() == [0, 1, 0, 1, 1, 2, 3, 2, 2, 4, 5, 4, 5, 5, 6, 7, 6, 6]


@pytest.mark.parametrize(("width", "told"), [(None, "no embeddings"), (3, "embeddings of 3 values")])
def test_embeddings_that_do_not_go_together_are_refused(left, tmp_path, width, told):
    other = write_pool(tmp_path / "other", [1, 1], [1], width=width)
    with pytest.raises(UserError, match=f"has embeddings of 2 values and .*other has {told}"):
        merge_pools(left, other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_a_row_of_an_unknown_run_is_named(left, tmp_path):
    other = write_pool(tmp_path / "other", [1, 5], [1], width=2)
    with pytest.raises(UserError, match="row 1 says run 5"):
        merge_pools(left, other, tmp_path / "out")
    assert not (tmp_path / "out").exists()


def test_the_verb_takes_two_of_a_kind(railyard, left, right, work, fixtures):
    done = railyard("merge", f"left={left}", f"right={right}", "out=both", "json=true")
    assert (done.code, done.json["rows"], done.json["runs"]) == (0, 9, 4)
    assert railyard("show", "path=both", "json=true").json["ended"] == {"max_moves reached": 1, "no legal move": 1}
    done = railyard("merge", f"left={left}", f"right={fixtures / '03_pack'}", "out=mixed")
    assert done.code == 2
    assert "is a self-play pool and" in done.err
