import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.annotation.output import Progress, layout, parts_done, progress_file, read_progress
from railyard.core.making.parts import WHOLE, Part
from railyard.core.store import durable


@given(st.lists(st.integers(1, 30), min_size=1, max_size=6), st.integers(1, 40), st.integers(1, 200) | st.none())
def test_output_shards_cover_the_rows_and_never_join_shards_of_the_pool(counts, shard_rows, limit):
    starts = np.cumsum([0, *counts])
    shards = layout(starts, shard_rows, limit)
    assert [shard.number for shard in shards] == [*range(len(shards))]
    rows = [row for shard in shards for row in range(shard.first, shard.first + shard.rows)]
    assert rows == [*range(min(int(starts[-1]), limit or 10**9))]
    assert all(0 < shard.rows <= shard_rows for shard in shards)
    inside = [np.searchsorted(starts, [shard.first, shard.first + shard.rows - 1], side="right") for shard in shards]
    assert all(first == last for first, last in inside)


@given(st.integers(1, 100), st.integers(1, 30), st.integers(0, 100))
def test_batches_do_not_depend_on_where_a_kill_came(rows, size, done):
    shard = layout(np.array([0, rows]), 1000)[0]
    every = shard.batches(size)
    done = min(done // size * size, rows)
    assert shard.batches(size, done) == [batch for batch in every if batch.first >= done]
    assert sum(batch.rows for batch in every) == rows


def test_parts_are_done_when_each_has_said_so(tmp_path):
    assert read_progress(tmp_path, WHOLE) is None
    for index, finished in ((0, True), (1, False)):
        progress = Progress(shard=index, rows=7, finished=finished)
        durable.write_json(progress_file(tmp_path, Part(index, 2)), progress.model_dump())
    assert (tmp_path / "progress-1of2.json").is_file()
    assert read_progress(tmp_path, Part(1, 2)).rows == 7
    assert parts_done(tmp_path, 2) is None
    durable.write_json(progress_file(tmp_path, Part(1, 2)), Progress(shard=1, finished=True).model_dump())
    assert [part.shard for part in parts_done(tmp_path, 2)] == [0, 1]
