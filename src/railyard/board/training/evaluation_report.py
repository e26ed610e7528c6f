"""evaluation.md, evaluation.json and plots: how close a model comes to its teacher, and where."""

from collections.abc import Mapping
from pathlib import Path

from railyard.board.training import value_report
from railyard.board.training.config import PackData
from railyard.board.training.evaluation import Evaluation
from railyard.core.runs import plots
from railyard.core.runs.reporting import metric_lines, table
from railyard.core.store import durable

SCHEMA_VERSION = 1
COLUMNS = ("rows", "teacher_agreement", "policy_agreement", "bin_accuracy", "loss", "perplexity")
Groups = Mapping[str, Mapping[str, float]]


def write(folder: Path, result: Evaluation, init: Path, data: PackData, split: str) -> None:
    """Write the report of an evaluation into `folder`."""
    subject = {"schema_version": SCHEMA_VERSION, "init": str(init), "pack": str(data.pack), "split": split}
    durable.write_json(folder / "evaluation.json", {**subject, **result.as_dict()})
    sections = [
        "# Evaluation",
        f"Model `{init}` on the {split} runs of `{data.pack}`: {result.rows:,} rows of {result.games} games. "
        "Agreement with the teacher: the share of rows where the legal move that the model prefers is the teacher's.",
        metric_lines(result.metrics),
        *_section(folder, "valuation type", "by_valuation", result.by_valuation),
        *_section(folder, "highest tile", "by_highest_tile", result.by_highest_tile),
        *value_report.sections(folder, result.value_heads),
    ]
    durable.write_text(folder / "evaluation.md", "\n\n".join(sections) + "\n")


def _section(folder: Path, title: str, stem: str, groups: Groups) -> list[str]:
    known = next(iter(groups.values()), {})
    columns = tuple(name for name in COLUMNS if name in known)
    rows = [(name, *(figures[column] for column in columns)) for name, figures in groups.items()]
    lines = [f"## By {title}", table((title, *columns), rows)]
    if plots.available():
        values = {name: figures["teacher_agreement"] for name, figures in groups.items()}
        counts = {name: int(figures["rows"]) for name, figures in groups.items()}
        plots.shares(folder / f"{stem}.png", f"Agreement with the teacher by {title}", values, counts, "share of rows")
        lines.append(f"![by {title}]({stem}.png)")
    return lines
