"""report.md of a load test: its figures, each window, and plots of rates, latencies and the server's passes."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.inference.load.windows import AGREEING, TOLERANCE, Window, joined
from railyard.core.runs import plots
from railyard.core.runs.reporting import table, what_ran
from railyard.core.store import durable

NAMES = {
    "boards_per_second": "boards/s",
    "requests_per_second": "requests/s",
    "p50_ms": "p50, ms",
    "p95_ms": "p95, ms",
    "p99_ms": "p99, ms",
    "refused_per_second": "refused/s",
    "refused_p99_ms": "p99 of refusals, ms",
    "rows_of_a_pass": "rows of a pass",
    "compute_ms": "a pass, ms",
    "queue_ms": "wait for a pass, ms",
    "queued_boards": "queued boards",
    "client_cores": "cores of this process",
}


def write(folder: Path, said: Mapping[str, Any], windows: Sequence[Window]) -> None:
    """Writes the report into the run folder."""
    rows = [(name, said[key]) for key, name in NAMES.items() if said.get(key) is not None]
    rows += [(f"failed: {code}", count) for code, count in said["failed"].items()]
    sections = [
        f"# Load: {said['mode']} loop",
        _judged(said["steady"], len(windows)),
        table(("figure", "value"), rows),
        *_plots(folder, windows),
        "## Windows",
        _by_window(windows),
        "## What ran",
        what_ran(folder),
    ]
    durable.write_text(folder / "report.md", "\n\n".join(sections) + "\n")


def _judged(steady: bool, count: int) -> str:
    if steady:
        return f"Figures of the last {AGREEING} of {count} windows, whose boards/s agree to {TOLERANCE:.0%}."
    return (
        f"**No {AGREEING} windows of {count} agree to {TOLERANCE:.0%} in boards/s**: the figures are those of the last "
        f"{AGREEING}, and another run may give others. Is the machine busy with something else?"
    )


def _by_window(windows: Sequence[Window]) -> str:
    figures = [window.figures() for window in windows]
    keys = [key for key in NAMES if any(each.get(key) is not None for each in figures)]
    rows = [
        (number, *("" if each.get(key) is None else each[key] for key in keys))
        for number, each in enumerate(figures, start=1)
    ]
    return table(("window", *(NAMES[key] for key in keys)), rows)


def _plots(folder: Path, windows: Sequence[Window]) -> list[str]:
    if not plots.available():
        return ["No plots: matplotlib is missing; `pip install 'railyard[plots]'` brings it."]
    figures = [window.figures() for window in windows]
    numbers = range(1, len(windows) + 1)
    figure, (rates, latencies, spread, passes) = plots.panels(4, columns=2, height=2.9)
    _draw(rates, "boards a second, by window", numbers, figures, ("boards_per_second",))
    rates.set_ylim(bottom=0)
    _draw(latencies, "latency, ms, by window", numbers, figures, ("p50_ms", "p95_ms", "p99_ms"))
    _draw_spread(spread, joined(windows[-AGREEING:]))
    if any("rows_of_a_pass" in each for each in figures):
        _draw(passes, "rows of a pass and queued boards", numbers, figures, ("rows_of_a_pass", "queued_boards"))
    else:
        passes.set_axis_off()
    plots.save(figure, folder / "load.png")
    return ["![rates, latencies, their spread, and passes of the server](load.png)"]


def _draw(axes: Any, heading: str, numbers: range, figures: Sequence[Mapping[str, Any]], keys: Sequence[str]) -> None:
    plots.title(axes, heading)
    for colour, key in zip(plots.COLOURS, keys, strict=False):
        values = [np.nan if each.get(key) is None else each[key] for each in figures]
        axes.plot(numbers, values, marker=".", color=colour, label=NAMES[key])
    axes.set_xticks(list(numbers)[:: 1 + len(numbers) // 10])
    axes.set_ylim(bottom=0)
    if len(keys) > 1:
        axes.legend(frameon=False, fontsize=7)


def _draw_spread(axes: Any, window: Window) -> None:
    """The share of requests that were answered within a time."""
    plots.title(axes, "share of requests within a latency, ms")
    for colour, label, latencies in (
        (plots.COLOURS[0], "answered", window.latencies),
        (plots.COLOURS[1], "refused", window.refusals),
    ):
        if latencies:
            ordered = np.sort(latencies) * 1000
            axes.plot(ordered, np.arange(1, len(ordered) + 1) / len(ordered), color=colour, label=label)
    axes.set_xlim(left=0)
    axes.set_ylim(0, 1)
    if window.refusals:
        axes.legend(frameon=False, fontsize=7)
