"""The proof `strength`: whole games of the teacher, with and without endgame tables, scored by its own merges, and held
against what `railyard play player=teacher` makes of the same seeds."""

import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import numpy as np

GAMES, SEED = 40, 1
TABLES = Path("data/board/tables")  # railyard tables out=data/board/tables
TILES = (2048, 4096, 8192, 16384, 32768, 65536)


def strength() -> tuple[str, bool]:
    """plays 40 games at depths 2 and 3, and with the tables in data/board/tables, alone and by `play`; mean scores"""
    from railyard.board.game.endgame.tables import EndgameTables

    tables = EndgameTables.open(TABLES) if TABLES.exists() else None
    settings = ((2, "none", EndgameTables.none()), (3, "none", EndgameTables.none()), (3, "", tables))
    rows, differing = [], []
    for depth, name, held in settings:
        if held is None:
            continue
        played = _games(depth, held)
        rows.append(_row(depth, name, played))
        print(rows[-1], flush=True)
        by_verb = _games_of_play(depth, None if name else TABLES)
        differing += [
            f"depth {depth}, tables {name or 'standard'}, seed {SEED + number}: {alone} alone, {found} by play"
            for number, (alone, found) in enumerate(zip(((s, t) for s, t, _ in played), by_verb, strict=True))
            if alone != found
        ]
    head = f"| depth | tables | mean score, 95 % interval | median | {' | '.join(map(str, TILES))} |"
    lines = [
        f"{GAMES} games each, seeds {SEED} to {SEED + GAMES - 1}, scores the sum of merges. The share of games that "
        "reach a tile stands in its column.",
        "\n".join([head, "| --: | --- | --: | --: |" + " --: |" * len(TILES), *rows]),
        f"`railyard play player=teacher` played the same seeds: **{len(rows) * GAMES - len(differing)} games equal, "
        f"{len(differing)} unequal** in score and highest tile.",
        *differing,
        *([] if tables else [f"Without tables: {TABLES} does not exist, `railyard tables out={TABLES}` makes it."]),
    ]
    return "\n\n".join(lines), not differing


def _games_of_play(depth: int, tables: Path | None) -> list[tuple[int, int]]:
    """Score and largest tile of each game as the verb plays it."""
    with tempfile.TemporaryDirectory(prefix="railyard-prove-") as folder:
        run = Path(folder) / "run"
        words = [f"depth={depth}", f"games={GAMES}", f"seed={SEED}", f"hydra.run.dir={run}"]
        words += [] if tables is None else [f"tables={tables}"]
        subprocess.run(
            [sys.executable, "-m", "railyard.cli", "play", "player=teacher", *words],
            check=True,
            stdout=subprocess.DEVNULL,
        )
        games = map(json.loads, (run / "games.jsonl").read_text().splitlines())
        return [(game["score"], game["highest_tile"]) for game in games]


def _games(depth: int, tables) -> list[tuple[int, int, Counter]]:
    """Score, largest tile and rows by table of each game."""
    from railyard.board.game.boards import decode
    from railyard.board.game.teacher import Game, Teacher

    teacher, played = Teacher(depth, tables), []
    for seed in range(SEED, SEED + GAMES):
        game, used = Game(seed), Counter()
        while not game.ended:
            used.update(game.play(teacher, 4096).tables_N.tolist())
        largest = decode(np.array([game.board]), np.array([game.mask])).max()
        played.append((game.score, 1 << int(largest), used))
    return played


def _row(depth: int, name: str, played: list[tuple[int, int, Counter]]) -> str:
    scores = np.array([score for score, _, _ in played])
    half = 1.96 * scores.std(ddof=1) / np.sqrt(len(scores))
    used = sum((used for _, _, used in played), Counter())
    share = 1 - used[-1] / used.total()
    reached = [f"{np.mean([tile >= wanted for _, tile, _ in played]):.0%}" for wanted in TILES]
    label = name or f"standard, {share:.0%} of moves"
    return (
        f"| {depth} | {label} | {scores.mean():,.0f} ± {half:,.0f} | {np.median(scores):,.0f} | {' | '.join(reached)} |"
    )
