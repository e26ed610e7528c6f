"""What a number of games says of a player: mean score with its interval, shares that reach each tile, ends, lengths."""

from array import array
from collections import Counter
from collections.abc import Iterable
from typing import Any

import numpy as np

from railyard.board.game.games import END_REASONS
from railyard.board.game.play import Played
from railyard.core.arrays import I64
from railyard.core.intervals import bootstrap_interval, normal_interval

TILES = (2048, 4096, 8192, 16384, 32768, 65536)


class Results:
    """Scores, lengths, largest tiles and ends of games, a few bytes a game."""

    def __init__(self) -> None:
        self._scores, self._steps = array("q"), array("q")
        self.highest: Counter[int] = Counter()  # by tile
        self.ended: Counter[str] = Counter()

    def add(self, games: Iterable[Played]) -> None:
        for game in games:
            self.note(game.score, len(game.moves_T), 1 << game.highest, END_REASONS[game.ended])

    def note(self, score: int, steps: int, highest_tile: int, ended: str) -> None:
        self._scores.append(score)
        self._steps.append(steps)
        self.highest[highest_tile] += 1
        self.ended[ended] += 1

    def __len__(self) -> int:
        return len(self._scores)

    @property
    def scores(self) -> I64:
        return np.array(self._scores, np.int64)

    @property
    def steps(self) -> I64:
        return np.array(self._steps, np.int64)

    def reached(self, tile: int) -> int:
        """Games that came to this tile."""
        return sum(count for highest, count in self.highest.items() if highest >= tile)

    def figures(self) -> dict[str, Any]:
        """Mean score with its 95 % interval (normal, and by a bootstrap), median, shares by tile, ends, counts."""
        scores, games = self.scores, len(self)
        low, high = normal_interval(scores)
        bootstrap_low, bootstrap_high = bootstrap_interval(scores)
        return {
            "games": games,
            "moves": int(self.steps.sum()),
            "mean_score": float(scores.mean()),
            "low": low,
            "high": high,
            "bootstrap_low": bootstrap_low,
            "bootstrap_high": bootstrap_high,
            "median_score": float(np.median(scores)),
            **{f"reach_{tile}": self.reached(tile) / games for tile in TILES},
            "ended": dict(self.ended.most_common()),
        }
