"""What a session holds, for `railyard show path=SESSION`: rows, products, disagreements, damage."""

import sqlite3
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import Any

from railyard.board.annotation.output import Progress
from railyard.board.packs.annotation_session import SOURCE_FILE, AnnotationSession
from railyard.board.packs.annotations import MANIFEST_FILE
from railyard.board.packs.schema import METADATA_FILE
from railyard.core.runs import plots
from railyard.core.store.reading import open_sqlite, read_json

KIND = "annotation session"
DRAWN = ("logit_gap", "entropy", "ev_loss", "model_top_prob")


def is_session(path: Path) -> bool:
    """Whether a folder is one, finished or not, or holds annotations made elsewhere."""
    return (path / MANIFEST_FILE).is_file() or all((path / name).is_file() for name in (SOURCE_FILE, "schema.json"))


def describe_session(path: Path) -> dict[str, Any]:
    """JSON-able facts; UserError where damage leaves nothing to describe."""
    if not (path / MANIFEST_FILE).is_file():
        return _unfinished(path)
    session = AnnotationSession.open(path)
    source, damaged = session.source, session.damage()
    hashed = bool(session.manifest.get("shards"))
    return {
        "kind": KIND,
        "path": str(path),
        "finished": True,
        **{key: source[key] for key in ("id", "pool", "pool_type", "model_id", "model_hash") if key in source},
        "rows": len(session),
        "runs": len(session.manifest["runs"]),
        "products": [product["name"] for product in source.get("products", [])],
        "num_bins": session.manifest.get("student_bins", {}).get("num_bins", 0),
        "columns": list(session.columns),
        **_disagreements(path),
        "medians": {name: values[49] for name, values in session.quantiles.items()},
        "clamped_rows": session.manifest.get("clamped_rows", 0),
        "integrity": _integrity(hashed, damaged),
        "damaged": damaged,
    }


def _integrity(hashed: bool, damaged: list[str]) -> str:
    if not hashed:
        return f"{MANIFEST_FILE} has no checksums: it was made elsewhere"
    return damaged[0] if damaged else f"every file is as {MANIFEST_FILE} says"


def _unfinished(path: Path) -> dict[str, Any]:
    source = read_json(path / SOURCE_FILE)
    parts = {file.name: read_json(file, shape=Progress) for file in sorted(path.glob("progress*.json"))}
    return {
        "kind": KIND,
        "path": str(path),
        "finished": False,
        **{key: source.get(key) for key in ("id", "pool", "pool_type", "model_id", "rows")},
        "progress": parts,
    }


def _disagreements(path: Path) -> dict[str, int]:
    """Sums over the runs."""
    names = ("total_steps", "total_disagreements", "argmax_disagreements", "ev_disagreements")
    if not (path / METADATA_FILE).is_file():
        return {}
    with suppress(sqlite3.Error), open_sqlite(path / METADATA_FILE, ("annotation_stats",)) as database:
        sums = ", ".join(f"SUM({name})" for name in names)
        row = database.execute(f"SELECT {sums} FROM annotation_stats").fetchone()
        return {name: value for name, value in zip(names[1:], row[1:], strict=True) if value is not None}
    return {}


def draw(path: Path, facts: Mapping[str, Any], out: Path) -> None:
    """The distribution of the columns that are searched most, from their percentiles."""
    if not facts["finished"] or not plots.available():
        return
    quantiles = AnnotationSession.open(path).quantiles
    named = {name: quantiles[name] for name in DRAWN if name in quantiles and None not in quantiles[name]}
    if not named:
        return
    figure, panels = plots.panels(len(named), columns=2, height=2.7)
    for axes, (name, values) in zip(panels, named.items(), strict=True):
        plots.title(axes, f"{name}, by percentile")
        axes.plot(range(1, 100), values, color=plots.COLOURS[0])
    plots.save(figure, out / "columns.png")
