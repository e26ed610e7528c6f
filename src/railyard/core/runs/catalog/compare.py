"""`railyard runs compare=[A,B]`: what differs between runs: config, provenance, newest metrics, and their curves."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from railyard.core.runs import metrics, plots, provenance, reporting
from railyard.core.runs.catalog.record import flat
from railyard.core.runs.folder import moved_to, name_of, read_config
from railyard.core.store import durable

ABSENT = "-"
EVERY_RUN_HAS_ITS_OWN = ("created_at", "command", "schema_version")
Sides = dict[str, list[Any]]


def compare(folders: Sequence[Path]) -> dict[str, Any]:
    """Names of the runs, and for config, provenance and metrics a list of values for every key that differs.

    Metrics are all given: a metric that is equal is news. Values inside a run's own folder count as equal.
    """
    configs = [dict(flat(moved_to("RUN", read_config(folder)))) for folder in folders]
    made = [{k: v for k, v in provenance.read(folder).items() if k not in EVERY_RUN_HAS_ITS_OWN} for folder in folders]
    provenances = [dict(flat(each)) for each in made]
    rows = [metrics.read(folder) for folder in folders]
    last = [metrics.last_values(run) for run in rows]
    return {
        "runs": [str(folder) for folder in folders],
        "config": differing(configs),
        "provenance": differing(provenances),
        "metrics": {name: [run.get(name) for run in last] for name in _union(last)},
    }


def differing(sides: Sequence[Mapping[str, Any]]) -> Sides:
    """The keys whose values are not the same on all sides, each with its value on each side."""
    found = {key: [side.get(key, ABSENT) for side in sides] for key in _union(sides)}
    return {key: values for key, values in found.items() if any(value != values[0] for value in values)}


def _union(sides: Sequence[Mapping[str, Any]]) -> list[str]:
    return list(dict.fromkeys(key for side in sides for key in side))


def as_text(found: Mapping[str, Any]) -> str:
    """Tables for a terminal, one column a run."""
    names = [name_of(Path(run)) for run in found["runs"]]
    parts = [_table(part, names, found[part]) for part in ("config", "provenance", "metrics")]
    return "\n\n".join([*parts, *(f"plot {path}" for path in found.get("plots", []))]) + "\n"


def _table(part: str, names: list[str], sides: Sides) -> str:
    if not sides:
        return f"{part}: no difference"
    lines = [[key, *map(_shown, values)] for key, values in sides.items()]
    return reporting.aligned([part, *names], lines)


def _shown(value: Any) -> str:
    text = f"{value:.6g}" if isinstance(value, float) else ABSENT if value is None else str(value)
    return text if len(text) <= 40 else text[:37] + "..."


def save(found: Mapping[str, Any], folders: Sequence[Path], out: Path) -> list[str]:
    """comparison.json and comparison.md in `out`, beside a plot of each metric that two runs have; the plots' paths."""
    out.mkdir(parents=True, exist_ok=True)
    drawn = _draw(folders, out) if plots.available() else []
    names = [name_of(folder) for folder in folders]
    sections = [f"# Comparison of {len(names)} runs"]
    for part in ("config", "provenance", "metrics"):
        lines = [[key, *map(_shown, values)] for key, values in found[part].items()]
        sections += [f"## {part.capitalize()}", reporting.table([part, *names], lines) if lines else "No difference."]
    sections += [f"![{path.stem}]({path.name})" for path in drawn]
    durable.write_text(out / "comparison.md", "\n\n".join(sections) + "\n")
    durable.write_json(out / "comparison.json", dict(found))
    return [str(path) for path in drawn]


def _draw(folders: Sequence[Path], out: Path) -> list[Path]:
    rows = {name_of(folder): metrics.read(folder) for folder in folders}
    drawn = []
    for name in dict.fromkeys(name for run in rows.values() for name in metrics.names(run)):
        curves = {run: metrics.series(found, name) for run, found in rows.items()}
        having = {run: curve for run, curve in curves.items() if curve[0]}
        if len(having) > 1:
            drawn.append(out / f"{name.replace('/', '_')}.png")
            plots.curves(drawn[-1], name, having)
    return drawn
