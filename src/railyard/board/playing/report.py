"""report.md of a run of play, with its plots: scores, shares by tile, lengths, ends, speed."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

import numpy as np

from railyard.board.game.figures import TILES, Results
from railyard.core.intervals import wilson_interval
from railyard.core.runs import plots
from railyard.core.runs.reporting import table, what_ran
from railyard.core.store import durable

BINS = 40
Speeds = list[tuple[float, float]]  # seconds since the start, moves a second


def write(folder: Path, title: str, results: Results, facts: Mapping[str, Any], speeds: Speeds) -> None:
    """Writes the report of all games of the run into its folder."""
    figures = results.figures()
    sections = [
        f"# {title}",
        _summary(figures),
        _shares(results),
        table(("end", "games"), list(figures["ended"].items())),
        *_plots(folder, results, speeds),
    ]
    sections += ["## What ran", what_ran(folder)]
    sections.append(table(("player", "value"), [(name, str(value)) for name, value in facts.items()]))
    durable.write_text(folder / "report.md", "\n\n".join(sections) + "\n")


def _summary(figures: Mapping[str, Any]) -> str:
    return (
        f"{figures['games']:,} games, {figures['moves']:,} moves. Mean score **{figures['mean_score']:,.0f}**, 95 % "
        f"interval {figures['low']:,.0f} to {figures['high']:,.0f} (bootstrap {figures['bootstrap_low']:,.0f} to "
        f"{figures['bootstrap_high']:,.0f}); median {figures['median_score']:,.0f}."
    )


def _shares(results: Results) -> str:
    rows = []
    for tile in TILES:
        low, high = wilson_interval(results.reached(tile), len(results))
        rows.append((tile, results.reached(tile), results.reached(tile) / len(results), f"{low:.3f} to {high:.3f}"))
    return table(("tile", "games", "share", "95 % interval (Wilson)"), rows)


def _plots(folder: Path, results: Results, speeds: Speeds) -> list[str]:
    if not plots.available():
        return ["No plots: matplotlib is missing; `pip install 'railyard[plots]'` brings it."]
    figure, (scores, shares, lengths, ends, speed, empty) = plots.panels(6, columns=2, height=2.7)
    empty.set_axis_off()
    for axes, heading, values in ((scores, "scores", results.scores), (lengths, "moves of a game", results.steps)):
        plots.title(axes, heading)
        axes.hist(values, bins=min(BINS, len(values)), color=plots.COLOURS[0])
        axes.set_ylabel("games", color=plots.MUTED)
    _draw_shares(shares, results)
    plots.title(ends, "how games ended")
    ends.barh(range(len(results.ended)), list(results.ended.values()), color=plots.COLOURS[0])
    ends.set_yticks(range(len(results.ended)), list(results.ended), fontsize=7)
    if speeds:
        plots.title(speed, "moves a second, over seconds")
        speed.plot(*zip(*speeds, strict=True), marker=".", color=plots.COLOURS[0])
        speed.set_ylim(bottom=0)
    else:
        speed.set_axis_off()  # every game was there before
    plots.save(figure, folder / "games.png")
    return ["![scores, shares by tile, lengths, ends and speed](games.png)"]


def _draw_shares(axes: Any, results: Results) -> None:
    plots.title(axes, "share of games reaching a tile")
    shares = [results.reached(tile) / len(results) for tile in TILES]
    bounds = np.array([wilson_interval(results.reached(tile), len(results)) for tile in TILES]).T
    errors = np.abs(bounds - shares)  # rounding must not make one negative
    axes.bar(range(len(TILES)), shares, yerr=errors, color=plots.COLOURS[0], ecolor=plots.MUTED, capsize=3)
    axes.set_xticks(range(len(TILES)), list(map(str, TILES)), fontsize=7)
    axes.set_ylim(0, 1)


def compare(path: Path, players: Mapping[str, Mapping[str, Any]]) -> None:
    """Mean scores of players by name, from the results of their runs, with 95 % intervals on a logarithmic axis."""
    figure, (axes,) = plots.panels(1, height=1.2 + 0.5 * len(players))
    plots.title(axes, "mean score and its 95 % interval")
    for row, (name, found) in enumerate(reversed(list(players.items()))):
        mean, low, high = (found[key] for key in ("mean_score", "low", "high"))
        bars = [[mean - max(low, 1)], [high - mean]]
        axes.errorbar(mean, row, xerr=bars, fmt="o", color=plots.COLOURS[0], capsize=4)
        axes.annotate(f"{name}: {mean:,.0f}, {found['games']} games", (mean, row), (0, 9), textcoords="offset points")
    axes.set_xscale("log")
    axes.set_yticks([])
    axes.set_ylim(-0.5, len(players) - 0.2)
    axes.margins(x=0.25)
    plots.save(figure, path)
