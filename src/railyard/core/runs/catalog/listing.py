"""`railyard runs`: the runs below a root that a query wants, newest first, trials folded into their sweeps."""

import difflib
import logging
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import fields
from pathlib import Path
from typing import Any

from railyard.core import query
from railyard.core.errors import UserError
from railyard.core.progress import counting
from railyard.core.runs import reporting
from railyard.core.runs.catalog import record
from railyard.core.runs.catalog.discover import find
from railyard.core.runs.catalog.index import Index, opened
from railyard.core.store.lock import is_locked

log = logging.getLogger(__name__)

OWN = tuple(field.name for field in fields(record.Record))
Row = dict[str, Any]


def listed(root: Path, where: str | None, sort: str, keys: Iterable[str], trials: bool, full: bool) -> list[Row]:
    """The matching runs below `root`, sorted; with `trials` each run of a sweep by itself, else one row a sweep.

    Rows have the record's fields and the details named in `where`, `sort` and `keys`; with `full` all details under
    "details". Raises UserError for a query that cannot be read and for keys that no run has.
    """
    conditions = query.parse(where)
    order = sort.removeprefix("-")
    wanted = dict.fromkeys([*(condition.key for condition in conditions), order, *keys])
    with refreshed(root) as index:
        rows = [_alive(root, row) for row in index.rows(key for key in wanted if key not in OWN)]
        _refuse_unknown(wanted, rows, index)
        rows = [row for row in rows if all(condition.holds(row) for condition in conditions)]
        if full:
            rows = [{**row, "details": index.details(row["path"])} for row in rows]
    _report_damage(rows)
    return _sorted(rows if trials else _folded(rows), order, descending=sort.startswith("-"))


class refreshed:
    """The index of `root`, brought up to date with its folders."""

    def __init__(self, root: Path) -> None:
        if not root.is_dir():
            raise UserError(f"there is no folder {root} to look for runs in; name one with root=")
        self.root = root
        self.context = opened(root)

    def __enter__(self) -> Index:
        index = self.context.__enter__()
        with counting("runs", "folders") as tick:
            index.refresh(find(self.root), lambda path: record.read((self.root / path).resolve(), path), tick)
        return index

    def __exit__(self, *what: Any) -> None:
        self.context.__exit__(*what)


def _alive(root: Path, row: Row) -> Row:
    """A run that says "running" is asked whether somebody holds its lock: a kill leaves no other trace."""
    if row["state"] not in ("running", "unknown"):
        return row
    dead = "killed" if row["state"] == "running" else "unknown"
    return {**row, "state": "running" if is_locked(root / row["path"]) else dead}


def _refuse_unknown(wanted: Iterable[str], rows: list[Row], index: Index) -> None:
    for key in wanted:
        if rows and key not in OWN and not any(key in row for row in rows):
            known = [*OWN, *index.keys()]
            close = difflib.get_close_matches(key, known, n=1) or [k for k in known if k.endswith("." + key)]
            hint = f"did you mean '{close[0]}'?" if close else "a dotted config key, a metric, or " + ", ".join(OWN)
            raise UserError(f"no run has the key '{key}'; {hint}")


def _report_damage(rows: list[Row]) -> None:
    damaged = [row for row in rows if row["damaged"]]
    for row in damaged[:3]:
        log.warning("%s", row["damaged"][0])
    if len(damaged) > 3:
        log.warning("%d runs have damaged files; the list shows what could be read", len(damaged))


def _folded(rows: list[Row]) -> list[Row]:
    """Runs as they are, and one row for the runs of each sweep."""
    sweeps: dict[str, list[Row]] = {}
    for row in rows:
        if row["sweep"] is not None:
            sweeps.setdefault(str(Path(row["path"]).parent), []).append(row)
    return [row for row in rows if row["sweep"] is None] + [_sweep(path, trials) for path, trials in sweeps.items()]


def _sweep(path: str, trials: list[Row]) -> Row:
    """The best of its trials, with the sweep's name and how many of them there are in which state."""
    states = Counter(row["state"] for row in trials)
    measured = [row for row in trials if row["best"] is not None]
    pick = max if trials[0]["mode"] == "max" else min
    leader = pick(measured, key=lambda row: row["best"]) if measured else trials[0]
    return {
        **leader,
        "name": leader["sweep"],
        "path": path,
        "when": min(row["when"] for row in trials),
        "state": ", ".join(f"{count} {state}" for state, count in states.most_common()),
    }


def _sorted(rows: list[Row], key: str, descending: bool) -> list[Row]:
    """By number or text; runs without the key come last."""
    having = [row for row in rows if row.get(key) is not None]
    lacking = [row for row in rows if row.get(key) is None]
    return sorted(having, key=lambda row: _rank(row[key]), reverse=descending) + lacking


def _rank(value: Any) -> tuple[int, Any]:
    return (0, value) if isinstance(value, int | float) else (1, str(value))


def as_text(rows: list[Mapping[str, Any]], columns: list[str]) -> str:
    """A table for a terminal, one line a row."""
    return reporting.aligned(columns, [[_shown(row, name) for name in columns] for row in rows])


def _shown(row: Mapping[str, Any], column: str) -> str:
    value = row.get(column)
    if value is None:
        return ""
    if column == "best":
        return f"{row['metric']} {value:.4g}"
    if column == "state" and row.get("stopped_by"):
        return f"stopped early ({row['stopped_by']})"
    if column == "when":
        return str(value)[:16].replace("T", " ")
    if isinstance(value, list):
        return ",".join(map(str, value))
    return f"{value:.4g}" if isinstance(value, float) else str(value)
