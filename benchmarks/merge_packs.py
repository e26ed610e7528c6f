"""Merging two packs, against copying the same bytes file by file and forcing them to the disk."""

import os
import shutil
import tempfile
import time
from pathlib import Path

from benchmarks.figure import Figure
from benchmarks.sample import sample_pack
from benchmarks.yardstick import in_turns
from railyard.board.packs.merging import merge_packs
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP

TARGET = 0.25  # of the copy's speed: 300 MB/s where files are copied at 1.2 GB/s


def measure() -> list[Figure]:
    with sample_pack(copies=80) as (pack, _), tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        sides = (pack.path, shutil.copytree(pack.path, Path(folder) / "right"))

        def ours() -> int:
            merge_packs(*sides, Path(folder) / "out", shard_rows=1_000_000)
            size = len(Pack.open(Path(folder) / "out")) * STEP.itemsize
            shutil.rmtree(Path(folder) / "out")
            return size

        pair = in_turns(ours, lambda: copied(sides, Path(folder) / "copy"), 20, time.perf_counter)
    return [
        Figure(
            "merge, rows out of the page cache",
            pair.ratio,
            "of a copy's speed",
            f">= {TARGET:g}",
            pair.ratio >= TARGET,
            "copying the same files, fsynced",
            pair.ratio,
            f"{pair.rate / 1e6:,.0f} MB/s",
        )
    ]


def copied(sides: tuple[Path, ...], out: Path) -> int:
    """Bytes of the step files of both sides, copied and on the disk."""
    out.mkdir()
    size = 0
    for number, path in enumerate(path for side in sides for path in sorted(side.glob("steps*.npy"))):
        copy = shutil.copyfile(path, out / f"{number}.npy")
        descriptor = os.open(copy, os.O_RDONLY)
        os.fsync(descriptor)
        os.close(descriptor)
        size += copy.stat().st_size
    shutil.rmtree(out)
    return size
