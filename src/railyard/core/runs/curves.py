"""Curves of a run's metrics, one picture for each quantity: `train/loss` with `val/loss`."""

from collections import Counter, defaultdict
from collections.abc import Sequence
from pathlib import Path

from railyard.core.runs import metrics, plots

MANY = 8  # names of one beginning
BY_MIX = {"mix": "rows_by_mix", "mix_loss": "loss_by_mix"}


def draw(folder: Path, rows: metrics.Rows) -> list[str]:
    """Writes the pictures into a folder; their names without the ending."""
    pictures = panels(metrics.names(rows))
    for stem, names in pictures.items():
        named = {name: metrics.series(rows, name) for name in names}
        plots.curves(folder / f"{stem}.png", stem.replace("_", " "), named)
    return [*pictures]


def panels(names: Sequence[str]) -> dict[str, list[str]]:
    """One plot for each quantity: `train/loss` with `val/loss`; all of `val/loss_*` together, and all mixes.

    Beside those of `train` and `val`, names of one beginning that are many (counters of one kind) share a plot.
    """
    found: dict[str, list[str]] = defaultdict(list)
    heads = Counter(name.rpartition("/")[0] for name in names)
    for name in names:
        head, _, quantity = name.rpartition("/")
        family = "loss_by_head" if quantity.startswith("loss_") else quantity
        if heads[head] > MANY and head not in ("train", "val"):
            family = head.replace("/", "_") or "others"
        found[BY_MIX.get(head, family)].append(name)
    return dict(found)
