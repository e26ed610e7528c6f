"""Making scenes on two cores, against Pillow alone saving the same pictures with its defaults on two cores.

CPU seconds of this process and its workers, so that a shared machine does not count; the note has the wall clock.
"""

import resource
import shutil
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

from PIL import Image

from benchmarks.figure import Figure, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.stage2.scenes.config import MakeScenes

N, CORES = 2000, 2
TARGET = 100  # images a second of one core


def measure() -> list[Figure]:
    return [figure_of(kind) for kind in ("shapes", "digits")]


def figure_of(kind: str) -> Figure:
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        data, copies = Path(folder) / "data", Path(folder) / "copies"
        wall = 0.0

        def made() -> int:
            nonlocal wall
            shutil.rmtree(data, ignore_errors=True)
            _, wall = timed(lambda: MakeScenes(kind=kind, out=data, n=N, workers=CORES).run(lambda *_: None))
            return N

        pair = in_turns(made, multiply_adds, clock=cpu_seconds)
        pictures = [Image.open(path).convert("RGB") for path in sorted(data.rglob("*.png"))]
        copies.mkdir()
        plain, _ = timed(lambda: [each.save(copies / f"{at}.png") for at, each in enumerate(pictures)])
    return cost(
        f"an image of scenes kind={kind}, two workers",
        pair,
        MULTIPLY_ADDS,
        SPEED[MULTIPLY_ADDS] / TARGET,
        "Pillow saving the same pictures as PNG with its defaults, not forced to the disk",
        plain / N * pair.rate,
        f"{N} images; {N / wall:,.0f} images/s by the wall clock, start of workers and manifest included",
    )


def timed(work: Callable[[], object]) -> tuple[float, float]:
    """CPU seconds of this process and of its ended children, and seconds by the clock."""
    start, began = cpu_seconds(), time.perf_counter()
    work()
    return cpu_seconds() - start, time.perf_counter() - began


def cpu_seconds() -> float:
    children = resource.getrusage(resource.RUSAGE_CHILDREN)
    return time.process_time() + children.ru_utime + children.ru_stime
