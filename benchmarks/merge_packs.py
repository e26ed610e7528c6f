"""Merging two packs, against copying the same bytes file by file and forcing them to the disk."""

import os
import shutil
import tempfile
from pathlib import Path

from benchmarks.figure import Figure, best_rate
from benchmarks.sample import sample_pack
from railyard.board.packs.merging import merge_packs
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP


def measure() -> list[Figure]:
    with sample_pack(copies=80) as (pack, _), tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        sides = (pack.path, shutil.copytree(pack.path, Path(folder) / "right"))

        def ours() -> int:
            merge_packs(*sides, Path(folder) / "out", shard_rows=1_000_000)
            size = len(Pack.open(Path(folder) / "out")) * STEP.itemsize
            shutil.rmtree(Path(folder) / "out")
            return size

        rate, copy_rate = best_rate(ours, 20), best_rate(lambda: copied(sides, Path(folder) / "copy"), 10)
    return [
        Figure(
            "merge, rows out of the page cache",
            rate / 1e6,
            "MB/s",
            ">= 300 MB/s or the disk's speed",
            rate >= min(3e8, 0.8 * copy_rate),
            "copying the same files, fsynced",
            rate / copy_rate,
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
