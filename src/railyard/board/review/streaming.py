"""A run as lines: a first one without steps, one a step, and a last one that says where the next request begins."""

from collections.abc import Callable, Iterator
from typing import Any

from railyard.board.review.limits import MOST_STEPS

Steps = Callable[[int, int], list[dict[str, Any]]]  # from a step, so many


def run_lines(head: dict[str, Any], first: int, count: int, total: int, steps: Steps) -> Iterator[list[dict[str, Any]]]:
    """Blocks of lines over `count` of the `total` steps, from `first` on; `next` is null at the end of the run."""
    end = first + count
    block = steps(first, min(count, MOST_STEPS)) if count else []  # what is wrong is told before the first line is sent
    yield [head]
    while first < end:
        yield block
        first += len(block)
        block = steps(first, min(end - first, MOST_STEPS)) if first < end else []
    yield [{"next": end if end < total else None}]
