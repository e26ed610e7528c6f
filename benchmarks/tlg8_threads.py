"""Two cores against one: wall time of the gated search. Needs a machine with two idle cores."""

import time

from benchmarks.figure import Figure
from benchmarks.tlg8_images import images
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import Gated

TARGET = 1.85


def measure() -> list[Figure]:
    planes = images()

    def seconds(threads: int) -> float:
        start = time.perf_counter()
        for each in planes:
            search_image(each, Gated(), threads=threads)
        return time.perf_counter() - start

    seconds(2)
    one, two = (min(seconds(threads) for _ in range(3)) for threads in (1, 2))
    return [
        Figure(
            "tlg8 gated search, two threads",
            one / two,
            "x one thread",
            f">= {TARGET}x",
            one / two >= TARGET,
            "our search in one thread",
            one / two,
            "wall time, 0.78 MP, both entropies",
        )
    ]
