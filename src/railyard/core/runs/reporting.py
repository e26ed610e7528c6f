"""Markdown for people: tables and the facts of a run, from its own files."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import yaml

from railyard.core.runs import provenance
from railyard.core.store.reading import read_yaml

SMALL = 1e-3


def table(header: Sequence[str], rows: Sequence[Sequence[Any]]) -> str:
    """A Markdown table; numbers are set to the right."""
    numeric = [all(isinstance(row[i], int | float) for row in rows) for i in range(len(header))]
    rule = ["--:" if is_number else "---" for is_number in numeric]
    return "\n".join(_line(cells) for cells in (header, rule, *([cell(c) for c in row] for row in rows)))


def _line(cells: Sequence[str]) -> str:
    return f"| {' | '.join(cells)} |"


def cell(value: Any) -> str:
    """A number as people read it: thousands grouped, four digits behind the point, small ones with four that count."""
    if isinstance(value, bool) or not isinstance(value, int | float):
        return str(value).replace("|", "\\|")  # a bare bar would end the cell
    if isinstance(value, int):
        return f"{value:,}"
    return f"{value:.4g}" if 0 < abs(value) < SMALL else f"{value:,.4f}"


def what_ran(folder: Path) -> str:
    """Command, code, machine and data of a run folder, from its provenance."""
    return facts_of_call(provenance.read(folder))


def facts_of_call(facts: Mapping[str, Any]) -> str:
    """Command, code, machine and data, as a provenance holds them."""
    if not {"code", "machine", "packages", "command", "created_at", "python", "seed"} <= facts.keys():
        return f"{provenance.FILE} does not say what ran."
    code, machine = facts["code"], facts["machine"]
    commit = (code["git_commit"] or "installed package")[:12] + (" with local changes" if code["git_dirty"] else "")
    packages = ", ".join(f"{name} {version}" for name, version in facts["packages"].items())
    rows = [
        ("command", f"`{' '.join(facts['command'])}`"),
        ("started", facts["created_at"]),
        ("code", f"{commit}, source {code['source_sha256'][:12]}"),
        ("machine", f"{machine['system']}, {machine['cores']} cores, {machine['device']}"),
        ("versions", f"Python {facts['python']}, {packages}"),
        ("seed", facts["seed"]),
        *((f"data: {name}", value) for name, value in facts.get("data", {}).items()),
    ]
    return table(("what", "value"), [(name, str(value)) for name, value in rows])


def config_block(folder: Path) -> str:
    """The parts of the resolved config that decide the result, as YAML."""
    config = read_yaml(folder / "config.yaml")
    wanted = ("seed", "data", "model", "objective", "trainer")
    text = yaml.safe_dump({name: config[name] for name in wanted if name in config}, sort_keys=False)
    return f"```yaml\n{text}```"


def metric_lines(metrics: Mapping[str, float], meanings: Mapping[str, str] | None = None) -> str:
    """A row a metric; `meanings`, by a name or its last part, say what it measures and what a guess gets."""
    known = meanings or {}
    found = [
        (name, float(value), known.get(name) or known.get(name.rpartition("/")[2], ""))
        for name, value in metrics.items()
    ]
    if any(meaning for *_, meaning in found):
        return table(("metric", "value", "what it is"), found)
    return table(("metric", "value"), [row[:2] for row in found])


def aligned(header: Sequence[str], rows: Sequence[Sequence[str]], right: bool = False) -> str:
    """Columns for a terminal, as wide as their widest cell; `right`: all but the first are set to the right."""
    lines = [header, *rows]
    widths = [max(map(len, column)) for column in zip(*lines, strict=True)]
    signs = ["<", *(">" if right else "<") * (len(header) - 1)]
    form = "  ".join(f"{{:{sign}{width}}}" for sign, width in zip(signs, widths, strict=True))
    return "\n".join(form.format(*line).rstrip() for line in lines)
