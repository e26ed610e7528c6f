"""One line of the benchmark table: a figure, what it is held against in the same run, and the target."""

import time
from collections.abc import Callable
from dataclasses import dataclass

from benchmarks.yardstick import Pair


@dataclass(frozen=True)
class Figure:
    """`value` in `unit`; `ratio` of ours to the named alternative, above 1 where ours is better.

    `value` has to hold on a busy machine: a ratio, a cost in a yardstick's units or a size. Rates and seconds, which
    other programs change, belong in `note`.
    """

    name: str
    value: float
    unit: str
    target: str
    met: bool | None  # None: this machine cannot tell now, and the note says why
    alternative: str
    ratio: float | None
    note: str = ""

    def cells(self) -> tuple[str, ...]:
        ratio = "" if self.ratio is None else f"{self.ratio:,.2f}x"
        verdict = {True: "met", False: "missed", None: "unknown"}[self.met]
        return (self.name, f"{self.value:,.4g} {self.unit}", self.target, verdict, self.alternative, ratio, self.note)


HEADER = ("figure", "measured", "target", "", "held against", "ratio", "note")


def cost(
    name: str, pair: Pair, unit: str, limit: float, alternative: str = "", ratio: float | None = None, note: str = ""
) -> Figure:
    """What an item costs in `unit`, the items of the yardstick that `pair` was measured with: at most `limit`."""
    units = 1 / pair.ratio
    return Figure(name, units, unit, f"<= {limit:,.4g}", units <= limit, alternative, ratio, note)


def best_rate(work: Callable[[], int], seconds: float = 3.0, clock: Callable[[], float] = time.perf_counter) -> float:
    """Items a second of the fastest of several runs within about `seconds`: the least disturbed by other work.

    `clock=time.process_time` leaves out what other programs take from the processor.
    """
    work()
    best, end = 0.0, time.perf_counter() + seconds
    while time.perf_counter() < end:
        start = clock()
        items = work()
        best = max(best, items / (clock() - start))
    return best
