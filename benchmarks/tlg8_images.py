"""The three fixture images of the codec, decoded from the reference encoder's files, and CPU time per megapixel."""

import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from railyard.tlg8.codec.file import read

FIXTURES = Path(__file__).resolve().parents[1] / "tests" / "fixtures" / "tlg8"
IMAGES = ("bg_lecturehall", "sylvie_green", "the_question_menu")


def encoded(image: str, kind: str = "default_auto") -> bytes:
    """A file of the reference encoder."""
    return (FIXTURES / f"{image}.{kind}.tlg8").read_bytes()


def images() -> list[np.ndarray]:
    """Planes of all three, 0.78 megapixels together."""
    return [read(encoded(image)) for image in IMAGES]


def strips() -> list[np.ndarray]:
    """One row of tiles from the middle of each, for what is slow."""
    return [np.ascontiguousarray(planes[:, 160:240]) for planes in images()]


def megapixels(several: list[np.ndarray]) -> float:
    return sum(planes[0].size for planes in several) / 1e6


def cpu_seconds(work: Callable[[], object], runs: int = 3) -> float:
    """CPU seconds of the least disturbed of several runs, after one that compiles."""
    work()
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken)
