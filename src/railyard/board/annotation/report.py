"""report.md of a session, with plots: where model and teacher differ, what it costs, whether confidence is earned."""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.annotation.tally import KNOWN, MEANS, SELF_PLAY, Group, Tally
from railyard.board.annotation.value_outcomes import ValueTally, outcomes_of
from railyard.board.packs.annotation_session import SOURCE_FILE
from railyard.board.packs.annotations import ANNOTATIONS_STEM, UNKNOWN, open_annotations
from railyard.core.arrays import F32
from railyard.core.intervals import wilson_interval
from railyard.core.runs import plots
from railyard.core.runs.reporting import cell, table
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.store.shards import ShardSet

REPORT, PLOTS = "report.md", "annotation.png"
CHUNK = 1 << 18
VALUE = "value_"  # in front of the name of a head, as a column
NOT_AVAILABLE = "not available"
SHARES = ("disagreement", "ev_disagreement")  # of rows

RULES = """*Disagreement* compares the legal move of most probability with the teacher's, or with the move played where
there is no teacher; *of the best head* compares the best head, legal or not, as `/runs` does. *EV disagreement* counts
rows where the model's move is worth less than the best by the teacher's EVs. Losses are points of the heuristic for
`search`, thousandths of a probability for tables. Infinite gaps, where the teacher's move has probability 0, are left
out of means."""


def write(folder: Path, pool: AnnotationPool, rows: int, columns: Sequence[str], clamped: int) -> None:
    """Writes the report of the first `rows` rows of a pool into the session's folder."""
    source = read_json(folder / SOURCE_FILE)
    sections = [f"# Annotation: {source['id']}", _summary(source, rows, clamped)]
    if not columns:
        sections.append("The product `metrics` was left out: there is nothing to compare.")
    else:
        sections += _compared(folder, _tally(folder, pool, rows, columns))
        sections += _value_heads(folder, pool, rows, [name for name in columns if name.startswith(VALUE)], source)
    durable.write_text(folder / REPORT, "\n\n".join(sections) + "\n")


def _summary(source: Mapping[str, Any], rows: int, clamped: int) -> str:
    facts = [(key, str(source[key])) for key in ("pool", "pool_type", "model_id", "model_hash", "device", "bucket")]
    facts += [("rows", f"{rows:,}"), ("products", ", ".join(product["name"] for product in source["products"]))]
    if clamped:
        facts.append(("rows with a tile that the model does not know, clamped to its largest", f"{clamped:,}"))
    return table(("what", "value"), facts)


def _tally(folder: Path, pool: AnnotationPool, rows: int, columns: Sequence[str]) -> Tally:
    names = [name for name in MEANS if name in columns]
    annotations = open_annotations(folder) if any(folder.glob(f"{ANNOTATIONS_STEM}-[0-9]*.npy")) else None
    if annotations is not None:
        names.insert(1, "argmax_disagreement")
    tally = Tally(pool.valuation_names or (SELF_PLAY,), names)
    families = {name: _column(folder, name) for name in {*names, "max_rank"} - {"argmax_disagreement"}}
    for first in range(0, rows, CHUNK):
        place = np.arange(first, min(first + CHUNK, rows))
        values: dict[str, F32] = {name: family.gather(place) for name, family in families.items()}
        if annotations is not None:
            found = annotations.gather(place)
            differs = (found["teacher_move"] != found["argmax_head"]).astype(np.float32)
            values["argmax_disagreement"] = np.where(found["teacher_move"] == UNKNOWN, np.float32(np.nan), differs)
        types = pool.valuations(first, len(place)) if pool.valuation_names else np.zeros(len(place), np.uint8)
        tally.add(types, values["max_rank"], values)
    return tally


def _value_heads(
    folder: Path, pool: AnnotationPool, rows: int, columns: Sequence[str], source: Mapping[str, Any]
) -> list[str]:
    """How well the probabilities of value heads hold, where the model's run says what they learned."""
    if not columns:
        return []
    outcomes = outcomes_of(Path(source["init"])) if source["init"] and pool.pack else {}
    tallies = {name: ValueTally(outcomes[name], pool.pack) for name in _names(columns, outcomes) if pool.pack}
    if not tallies:
        return ["## Value heads", f"{NOT_AVAILABLE}: no run's config says what they learn, or the pool is no pack."]
    families = {name: _column(folder, name) for name in ("max_rank", *(f"{VALUE}{name}" for name in tallies))}
    for first in range(0, rows, CHUNK):
        place = np.arange(first, min(first + CHUNK, rows))
        for name, tally in tallies.items():
            tally.add(place, families["max_rank"].gather(place), families[f"{VALUE}{name}"].gather(place))
    head = ("head", "says that", "rows", "Brier score", "calibration error")
    lines = [
        (name, tally.outcome.sentence(), tally.whole.rows, _number(tally.whole.brier()), _number(tally.whole.error()))
        for name, tally in tallies.items()
    ]
    ranks = sorted({rank for tally in tallies.values() for rank in tally.by_rank})
    by_tile = [
        (str(1 << rank), *(_number(tally.by_rank[rank].brier()) for tally in tallies.values())) for rank in ranks
    ]
    tiles = table(("tile", *(f"Brier score of {name}" for name in tallies)), by_tile)
    return ["## Value heads", table(head, lines), "## Value heads by highest tile", tiles]


def _names(columns: Sequence[str], outcomes: Mapping[str, Any]) -> list[str]:
    return [name.removeprefix(VALUE) for name in columns if name.removeprefix(VALUE) in outcomes]


def _number(value: float | None) -> str:
    return NOT_AVAILABLE if value is None else cell(value)


def _column(folder: Path, name: str) -> ShardSet:
    return ShardSet.open(folder / "columns", name, np.dtype("<f4"))


def _compared(folder: Path, tally: Tally) -> list[str]:
    whole = tally.whole()
    error = tally.calibration.error()
    sections = [RULES, _groups("rows", [("all", whole)], tally.columns)]
    sections += ["## By valuation type", _groups("valuation", list(tally.by_type()), tally.columns)]
    sections += ["## By highest tile", _groups("tile", list(tally.by_tile()), tally.columns)]
    sections.append("## Calibration")
    if error is None:
        sections.append(f"{NOT_AVAILABLE}: no move of the teacher is known.")
    else:
        sections.append(
            f"Of the moves that the model gave a probability, the share that are the teacher's. Expected calibration "
            f"error **{error:.4f}**, Brier score {tally.calibration.brier():.4f}, {tally.calibration.rows:,} rows."
        )
        head = ("from", "to", "rows", "mean probability", "share")
        sections.append(table(head, [tuple(row.values()) for row in tally.calibration.table()]))
    return [*sections, *_plots(folder, tally)]


def _groups(title: str, groups: Sequence[tuple[str, Group]], columns: Sequence[str]) -> str:
    head = (title, "count", *(MEANS[name] for name in columns))
    rows = [
        (name, group["rows"], *(NOT_AVAILABLE if group[key] is None else cell(group[key]) for key in columns))
        for name, group in groups
    ]
    return table(head, rows)


def _plots(folder: Path, tally: Tally) -> list[str]:
    if not plots.available():
        return ["No plots: matplotlib is missing; `pip install 'railyard[plots]'` brings it."]
    figure, (types, tiles, losses, calibration) = plots.panels(4, columns=2, height=2.9)
    _draw_bars(types, "disagreement by valuation type (rows)", list(tally.by_type()), SHARES)
    by_tile = list(tally.by_tile())
    _draw_bars(tiles, "disagreement by highest tile (rows)", by_tile, SHARES)
    _draw_bars(losses, "entropy by highest tile, nats (rows)", by_tile, ("entropy",))
    plots.title(calibration, "share of right moves, by probability given")
    rows = tally.calibration.table()
    calibration.plot([0, 1], [0, 1], color=plots.MUTED, linewidth=0.8)
    said = [row["mean_probability"] for row in rows]
    calibration.plot(said, [row["share"] for row in rows], marker="o", markersize=4, color=plots.COLOURS[0])
    if spread := [wilson_interval(row["share"] * row["rows"], int(row["rows"])) for row in rows]:
        calibration.vlines(said, *zip(*spread, strict=True), color=plots.COLOURS[0], linewidth=1.2)
    calibration.set_xlim(0, 1)
    calibration.set_ylim(0, 1)
    plots.save(figure, folder / PLOTS)
    return [f"![disagreement by valuation type and highest tile, entropy, calibration]({PLOTS})"]


def _draw_bars(axes: Any, heading: str, groups: Sequence[tuple[str, Group]], keys: Sequence[str]) -> None:
    """Bars side by side, one of each key a group, over its rows; shares with their intervals; none of the unknown."""
    plots.title(axes, heading)
    width = 0.8 / len(keys)
    for number, key in enumerate(keys):
        heights = [group.get(key) or 0.0 for _, group in groups]
        places = [place + (number - (len(keys) - 1) / 2) * width for place in range(len(groups))]
        axes.bar(places, heights, width, color=plots.COLOURS[number], label=MEANS[key])
        if key in SHARES:
            _draw_spread(axes, places, heights, [int(group[f"{KNOWN}{key}"] or 0) for _, group in groups])
    axes.set_xticks(range(len(groups)), [f"{name}\n({group['rows']:,})" for name, group in groups], fontsize=6)
    if len(keys) > 1:
        axes.legend(frameon=False, fontsize=7)


def _draw_spread(axes: Any, places: Sequence[float], shares: Sequence[float], rows: Sequence[int]) -> None:
    """The intervals of shares, on the axis that all of them have."""
    for place, share, count in zip(places, shares, rows, strict=True):
        if count:
            axes.vlines(place, *wilson_interval(share * count, count), color=plots.INK, linewidth=1)
    axes.set_ylim(0, 1)
