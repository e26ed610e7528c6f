"""The plain metric files of a run: metrics.jsonl as rows, metrics.csv made from it."""

import csv
import io
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from railyard.core.store import durable, journal
from railyard.core.store.reading import check_shape

Rows = Sequence[Mapping[str, Any]]


def read(folder: Path) -> list[dict[str, Any]]:
    """All rows of a run's metrics.jsonl, in order; empty if it has none."""
    path = folder / "metrics.jsonl"
    rows = journal.read(path) if path.exists() else []
    for shape in (list[_Row], list[dict[str, float]]):
        check_shape(rows, shape, f"{path}, rows", "restore it")
    return rows


class _Row(BaseModel):
    step: int
    epoch: int


def names(rows: Rows) -> list[str]:
    """Metric names in the order in which they first appear."""
    return list(dict.fromkeys(name for row in rows for name in row if name not in ("step", "epoch")))


def last_values(rows: Rows) -> dict[str, float]:
    """The newest value of every metric."""
    return {name: value for row in rows for name, value in row.items() if name not in ("step", "epoch")}


def until(rows: Rows, step: int) -> list[Mapping[str, Any]]:
    """The rows up to an optimizer step, that step's own included."""
    return [row for row in rows if row["step"] <= step]


def series(rows: Rows, name: str) -> tuple[list[int], list[float]]:
    """Steps and values of one metric."""
    pairs = [(row["step"], row[name]) for row in rows if name in row]
    return [step for step, _ in pairs], [value for _, value in pairs]


def by_step(rows: Rows) -> list[dict[str, Any]]:
    """One row a step, ascending, with all its metrics."""
    merged: dict[int, dict[str, Any]] = {}
    for row in rows:
        merged.setdefault(row["step"], {}).update(row)
    return [merged[step] for step in sorted(merged)]


def write_csv(folder: Path, rows: Rows) -> None:
    """metrics.csv: one line a step and all metrics as columns; empty cells where a step has no value."""
    text = io.StringIO()
    writer = csv.DictWriter(text, ["step", "epoch", *names(rows)], lineterminator="\n")
    writer.writeheader()
    writer.writerows(by_step(rows))
    durable.write_text(folder / "metrics.csv", text.getvalue())
