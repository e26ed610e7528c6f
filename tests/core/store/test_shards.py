"""Families of shards: opened as NumPy would read them, written whole, indexed by global row."""

import errno
import pickle
import resource
import threading
import tracemalloc
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.errors import RailyardError, UserError
from railyard.core.store.shards import ShardSet, ShardWriter

PACK = Path(__file__).parents[2] / "fixtures" / "board" / "03_pack"
STEP = np.dtype(
    [
        ("run_id", "<u4"),
        ("step_index", "<u4"),
        ("board", "<u8"),
        ("board_eval", "<i4"),
        ("tile_65536_mask", "<u2"),
        ("move_dir", "u1"),
        ("valuation_type", "u1"),
        ("ev_legal", "u1"),
        ("max_rank", "u1"),
        ("seed", "<u4"),
        ("branch_evs", "<f4", (4,)),
    ]
)
PROBABILITIES = np.dtype(("<f4", (4, 11)))


def steps(count: int) -> np.ndarray[Any, Any]:
    return np.random.default_rng(count).integers(0, 256, count * STEP.itemsize, np.uint8).view(STEP)


def names(folder: Path) -> list[str]:
    return sorted(path.name for path in folder.iterdir())


def write(folder: Path, rows: np.ndarray[Any, Any], shard_rows: int | None) -> list[Path]:
    with ShardWriter(folder, "steps", STEP, shard_rows) as writer:
        writer.write(rows)
    return sorted(folder.iterdir())


def test_a_pack_of_the_reference_is_read() -> None:
    shards = ShardSet.open(PACK, "steps", STEP)
    expected = np.concatenate([np.load(path) for path in sorted(PACK.glob("steps-*.npy"))])
    assert [path.name for path in shards.paths] == ["steps-00000.npy", "steps-00001.npy", "steps-00002.npy"]
    assert shards.starts.tolist() == [0, 300, 600, 654]
    assert len(shards) == 654
    order = np.random.default_rng(1).permutation(654)
    assert shards.gather(order).tobytes() == expected[order].tobytes()
    assert shards.gather(np.array([653, 0, 0])).dtype == STEP
    assert np.array_equal(shards.shard(2), expected[600:])


def test_our_shard_has_the_references_size(tmp_path: Path) -> None:
    first = np.load(PACK / "steps-00000.npy")
    write(tmp_path, first, None)
    assert (tmp_path / "steps.npy").stat().st_size == 14184 == (PACK / "steps-00000.npy").stat().st_size


@settings(deadline=None, max_examples=25)
@given(st.lists(st.integers(0, 30), max_size=5), st.one_of(st.none(), st.integers(1, 25)))
def test_what_is_written_is_read(
    tmp_path_factory: pytest.TempPathFactory, batches: list[int], shard_rows: int | None
) -> None:
    folder = tmp_path_factory.mktemp("family")
    rows = steps(sum(batches))
    with ShardWriter(folder, "steps", STEP, shard_rows) as writer:
        for batch in np.split(rows, np.cumsum(batches)[:-1]) if batches else []:
            writer.write(batch)
    parts = [np.load(folder / name, mmap_mode="r") for name in names(folder)]
    assert [len(part) for part in parts[:-1]] == [shard_rows] * len(parts[:-1])
    assert b"".join(part.tobytes() for part in parts) == rows.tobytes()
    if len(rows):
        shards = ShardSet.open(folder, "steps", STEP)
        assert shards.gather(np.arange(len(rows))[::-1]).tobytes() == rows[::-1].tobytes()


def test_no_rows_write_nothing(tmp_path: Path) -> None:
    with ShardWriter(tmp_path, "steps", STEP, 10) as writer:
        writer.write(steps(0))
    assert names(tmp_path) == []


def test_names_of_shards(tmp_path: Path) -> None:
    assert write(tmp_path, steps(5), None) == [tmp_path / "steps.npy"]
    assert [path.name for path in write(tmp_path, steps(5), 3)] == ["steps-00000.npy", "steps-00001.npy"]


def test_rows_of_several_dimensions(tmp_path: Path) -> None:
    values = np.random.default_rng(0).random((23, 4, 11), np.float32)
    with ShardWriter(tmp_path, "student", PROBABILITIES, 10) as writer:
        writer.write(values)
    assert np.load(tmp_path / "student-00002.npy").shape == (3, 4, 11)
    shards = ShardSet.open(tmp_path, "student", PROBABILITIES)
    assert np.array_equal(shards.gather(np.array([22, 0, 10])), values[[22, 0, 10]])
    assert np.array_equal(np.concatenate([chunk for _, chunk in shards.chunks(4)]), values)


def test_a_strided_slice_is_written(tmp_path: Path) -> None:
    rows = steps(20)
    write(tmp_path, rows[::3], 4)
    assert ShardSet.open(tmp_path, "steps", STEP).gather(np.arange(7)).tobytes() == rows[::3].tobytes()


def test_numbered_shards_win_and_count_by_number(tmp_path: Path) -> None:
    for name, value in [("x", 9), ("x-2", 2), ("x-00010", 10), ("x-000001", 1)]:
        np.save(tmp_path / f"{name}.npy", np.array([value], "u1"))
    for ignored in ["x-student-00000.npy", "x-.npy", "xx-00000.npy", ".x-00003.npy", "x-00003.npy.tmp"]:
        (tmp_path / ignored).touch()
    shards = ShardSet.open(tmp_path, "x", np.dtype("u1"))
    assert shards.gather(np.arange(3)).tolist() == [1, 2, 10]


def test_an_empty_shard_among_others_is_fine(tmp_path: Path) -> None:
    for number, size in enumerate([0, 3, 0, 2, 0]):
        np.save(tmp_path / f"x-{number}.npy", np.arange(size, dtype="u1"))
    shards = ShardSet.open(tmp_path, "x", np.dtype("u1"))
    assert shards.gather(np.arange(5)).tolist() == [0, 1, 2, 0, 1]
    assert [(start, chunk.tolist()) for start, chunk in shards.chunks(2)] == [
        (0, [0, 1]),
        (2, [2]),
        (3, [0, 1]),
    ]


def test_chunks_cover_all_rows_in_order(tmp_path: Path) -> None:
    rows = steps(25)
    write(tmp_path, rows, 10)
    chunks = list(ShardSet.open(tmp_path, "steps", STEP).chunks(4))
    assert [start for start, _ in chunks] == [0, 4, 8, 10, 14, 18, 20, 24]
    assert b"".join(chunk.tobytes() for _, chunk in chunks) == rows.tobytes()


@pytest.mark.parametrize("bad", [-1, 654, 2**40])
def test_a_row_that_does_not_exist_is_named(bad: int) -> None:
    with pytest.raises(IndexError, match=rf"row {bad} is outside \[0, 654\)"):
        ShardSet.open(PACK, "steps", STEP).gather(np.array([3, bad, 5]))


def test_rows_must_be_whole_numbers() -> None:
    shards = ShardSet.open(PACK, "steps", STEP)
    with pytest.raises(TypeError):
        shards.gather(np.array([0.5]))
    assert len(shards.gather(np.array([1, 2], np.uint32))) == 2
    assert len(shards.gather(np.arange(0))) == 0


def test_nothing_is_mapped_before_it_is_touched_nor_pickled() -> None:
    shards = ShardSet.open(PACK, "steps", STEP)
    assert shards._maps == {}
    shards.gather(np.arange(654))
    packet = pickle.dumps(shards)
    assert len(packet) < 2000
    copy = pickle.loads(packet)  # noqa: S301  (made one line above)
    assert copy._maps == {}
    assert copy.gather(np.arange(654)).tobytes() == shards.gather(np.arange(654)).tobytes()


def test_threads_share_one_map() -> None:
    shards = ShardSet.open(PACK, "steps", STEP)
    found: list[Any] = []
    threads = [threading.Thread(target=lambda: found.append(shards.shard(1))) for _ in range(16)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert len({id(shard) for shard in found}) == 1


def test_shards_are_read_only() -> None:
    with pytest.raises(ValueError, match="read-only"):
        ShardSet.open(PACK, "steps", STEP).shard(0)["seed"] = 1


@pytest.mark.parametrize(
    ("files", "told"),
    [
        (None, "is not a folder: name the one that holds x.npy or x-00000.npy, …"),
        ({}, "holds neither x.npy nor x-<digits>.npy"),
        ({"x-0": [], "x-1": []}, r"has no rows in x\*.npy"),
        ({"x-0": [1], "x-1": [1.5]}, "x-1.npy holds float64, expected uint8"),
    ],
)
def test_what_cannot_be_opened_is_told(tmp_path: Path, files: dict[str, list[Any]] | None, told: str) -> None:
    folder = tmp_path / "family"
    if files is not None:
        folder.mkdir()
    for name, values in (files or {}).items():
        np.save(folder / f"{name}.npy", np.array(values, None if 1.5 in values else "u1"))
    with pytest.raises(UserError, match=told):
        ShardSet.open(folder, "x", np.dtype("u1"))


def test_more_shards_than_open_files_are_told(tmp_path: Path) -> None:
    write(tmp_path, steps(60), 1)
    shards = ShardSet.open(tmp_path, "steps", STEP)
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (50, hard))
    try:
        with pytest.raises(UserError, match=r"each of this family's 60 shards needs an open file; raise the limit"):
            shards.addresses()
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
    assert len(shards.gather(np.arange(60))) == 60


class FullDisk:
    """A file that takes the header and no row, not even when it is closed."""

    def __init__(self, file: Any) -> None:
        self.file = file

    def write(self, data: Any) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    def close(self) -> None:
        self.file.close()
        raise OSError(errno.ENOSPC, "No space left on device")


def test_a_full_disk_is_told(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "steps", STEP)
    writer.write(steps(5))
    writer._file = FullDisk(writer._file)  # type: ignore[assignment]
    told = f"no space left on device while writing {tmp_path}: free some"
    with pytest.raises(RailyardError, match=told), writer:
        writer.write(steps(5))


def write_and_stop(writer: ShardWriter) -> None:
    with writer:
        writer.write(steps(25))
        raise KeyboardInterrupt


def test_a_block_that_ends_early_leaves_the_rows_to_be_taken_up(tmp_path: Path) -> None:
    with pytest.raises(KeyboardInterrupt):
        write_and_stop(ShardWriter(tmp_path, "steps", STEP, 10))
    with ShardWriter(tmp_path, "steps", STEP, 10, rows=22) as writer:
        writer.write(steps(25)[22:])
    assert ShardSet.open(tmp_path, "steps", STEP).gather(np.arange(25)).tobytes() == steps(25).tobytes()


def test_only_the_files_of_the_own_stem_are_cut_back(tmp_path: Path) -> None:
    for name in ("steps.npy", "steps-00000.npy", "steps_more.npy", "steps-.npy"):
        (tmp_path / name).touch()
    ShardWriter(tmp_path, "steps", STEP)
    assert names(tmp_path) == ["steps-.npy", "steps_more.npy"]


def test_other_rows_are_refused_when_writing(tmp_path: Path) -> None:
    writer = ShardWriter(tmp_path, "steps", STEP)
    with pytest.raises(TypeError, match="rows are float64 of shape"):
        writer.write(np.zeros(3))
    with pytest.raises(TypeError, match="rows are"):
        writer.write(np.zeros(3, np.dtype(STEP.descr, align=True)))
    with pytest.raises(TypeError, match=r"rows are .* of shape \(3, 2\)"):
        writer.write(np.zeros((3, 2), STEP))
    with pytest.raises(ValueError, match="shard_rows must be at least 1, got 0"):
        ShardWriter(tmp_path, "steps", STEP, 0)


def test_writing_holds_no_more_than_a_batch(tmp_path: Path) -> None:
    batch = steps(10_000)
    with ShardWriter(tmp_path, "steps", STEP, 35_000) as writer:
        tracemalloc.start()
        for _ in range(20):
            writer.write(batch)
        peak = tracemalloc.get_traced_memory()[1]
        tracemalloc.stop()
    assert peak < batch.nbytes / 2
    assert len(ShardSet.open(tmp_path, "steps", STEP)) == 200_000


@given(st.lists(st.integers(1, 9), min_size=1, max_size=5), st.data())
@settings(deadline=None)
def test_views_are_the_rows_asked_for(tmp_path_factory, sizes, data):
    folder = tmp_path_factory.mktemp("family")
    for shard, size in enumerate(sizes):
        np.save(folder / f"x-{shard:05d}.npy", np.arange(size, dtype=np.int64) + sum(sizes[:shard]))
    family, total = ShardSet.open(folder, "x", np.dtype("<i8")), sum(sizes)
    first = data.draw(st.integers(0, total))
    stop = data.draw(st.integers(first, total))
    found = list(family.views(first, stop))
    assert [value for rows in found for value in rows.tolist()] == list(range(first, stop))
    assert all(len(rows) for rows in found)
