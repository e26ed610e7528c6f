"""evaluation.md, evaluation.json and plots: a ranker beside what it has to beat."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core.runs import plots
from railyard.core.runs.reporting import table
from railyard.core.store import durable
from railyard.tlg8.evaluation.measures import HITS, REGRETS

SCHEMA_VERSION = 1
NONE = "-"
CEILING = "oracle heads of the targets"
# more than five curves cannot be told apart
NOT_DRAWN = ("staged n=1 m=1", "staged n=2 m=4", "greedy bits 32", "oracle heads of the bits")


def write(folder: Path, result: Mapping[str, Any], subject: Mapping[str, Any]) -> None:
    """Write the report of an evaluation into `folder`; subject: what was judged, on what."""
    durable.write_json(folder / "evaluation.json", {"schema_version": SCHEMA_VERSION, **subject, **result})
    methods = result["by_method"]
    sections = [
        "# Evaluation of a ranker",
        table(("what", "value"), [(name, str(value)) for name, value in subject.items()]),
        *_warnings(result, subject),
        "## Hit rates",
        "Share of the blocks whose first K tuples hold the reference's best or second; at the right the share whose "
        "first 32 hold a tuple that costs no more than the second.",
        table(("method", *(f"hit@{k}" for k in HITS), "value_hit@32"), _rows(methods, [*_hits(), "value_hit@32"])),
        *_plot(folder, "hit rates", "hits", _curves(methods, HITS, "hit"), dict.fromkeys(methods, result["blocks"])),
        *_bits(folder, methods),
        "## What they cost",
        "Tuples evaluated for a block, those that features need included; microseconds of one core to choose them (a "
        "staged search codes them too). A ranker's include its features where contexts give these.",
        table(("method", "evaluations", "parameters", "us a block", "s a megapixel"), _costs(methods)),
        "## By image",
        _images(result["by_image"]),
    ]
    durable.write_text(folder / "evaluation.md", "\n\n".join(sections) + "\n")


def _warnings(result: Mapping[str, Any], subject: Mapping[str, Any]) -> list[str]:
    found = [f"**Defect**: {text}." for text in result["defects"]]
    if subject.get("leaky"):
        found.append("**Leaky**: the features hold the answer of the search; no encoder can have them.")
    ceiling = result["by_method"].get(CEILING)
    if ceiling and subject.get("mode") in ("strict", "topk"):
        rate = 100 * ceiling["figures"]["hit@32"]
        found.append(
            f"The targets of this mode have a ceiling: heads that are never wrong reach hit@32 of {rate:.1f} %."
        )
    if all("regret@32" not in method["figures"] for method in result["by_method"].values()):
        found.append("The pack has no contexts (`blocks.npy`), so bits of tuples, and with them regret, are not known.")
    return found


def _hits() -> list[str]:
    return [f"hit@{k}" for k in HITS]


def _rows(methods: Mapping[str, Any], columns: list[str]) -> list[tuple[Any, ...]]:
    return [(name, *(each["figures"].get(column, NONE) for column in columns)) for name, each in methods.items()]


def _curves(methods: Mapping[str, Any], ks: tuple[int, ...], stem: str) -> dict[str, plots.Curve]:
    """By method, the ranker first; a staged search returns two tuples, so it has no curve."""
    curves: dict[str, plots.Curve] = {}
    for name, method in methods.items():
        known = [k for k in ks if f"{stem}@{k}" in method["figures"]]
        if known and name not in NOT_DRAWN:
            curves[name] = (known, [method["figures"][f"{stem}@{k}"] for k in known])
    return curves


def _bits(folder: Path, methods: Mapping[str, Any]) -> list[str]:
    judged = {name: each for name, each in methods.items() if "excess@32" in each["figures"]}
    if not judged:
        return []
    excess = [f"excess@{k}" for k in REGRETS]
    regret = [f"regret@{k}" for k in REGRETS] + ["regret_median@32", "regret_p95@32"]
    return [
        "## Bits",
        "Excess bits in % of those of the reference's choice, if the cheapest of the first K tuples is coded; at the "
        "right against the cheapest of all 12,288.",
        table(("method", *excess, "of the least@32"), _rows(judged, [*excess, "excess_of_least@32"])),
        *_plot(folder, "excess bits, %", "excess", _curves(judged, REGRETS, "excess")),
        "Bits regret of a block: bits of the cheapest of the first K, less those of the reference's best.",
        table(("method", *regret), _rows(judged, regret)),
    ]


def _costs(methods: Mapping[str, Any]) -> list[tuple[Any, ...]]:
    rows = []
    for name, method in methods.items():
        times = (method["microseconds"], method["seconds_a_megapixel"])
        told = [NONE if value is None else float(value) for value in times]
        rows.append((name, int(method["evaluations"]), method["parameters"], *told))
    return rows


def _images(by_image: Mapping[str, Mapping[str, float]]) -> str:
    columns = ("blocks", "hit@32", "excess@32")
    rows = [(name, *(figures.get(column, NONE) for column in columns)) for name, figures in by_image.items()]
    return table(("image", *columns), rows)


def _plot(
    folder: Path, title: str, stem: str, curves: Mapping[str, plots.Curve], blocks: Mapping[str, int] | None = None
) -> list[str]:
    if not plots.available():
        return []
    label = f"tuples returned, K; {plots.BANDS}" if blocks else "tuples returned, K"
    plots.curves(folder / f"{stem}.png", title, curves, label, blocks)
    return [f"![{title}]({stem}.png)"]
