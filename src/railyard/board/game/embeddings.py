"""What a model thought of the boards of games in play, kept until each game ends.

Rows of all places are written at once into a window of their latest moves; a place's window goes to a list of its own
when it is full, once in WINDOW moves, so that nothing is kept for moves that were not made yet.

Shapes: P places, W = WINDOW moves, T moves of a game, D values of an embedding.
"""

from collections.abc import Sequence

import numpy as np

from railyard.core.arrays import F32, I64, U32

WINDOW = 16  # 4 * WINDOW * D bytes a place; one copy in Python a place and window


class EmbeddingsInPlay:
    """The embeddings of games at some places; a place holds one game at a time."""

    def __init__(self) -> None:
        self._latest_PWD: F32 | None = None
        self._full: list[list[F32]] = []

    def add(self, rows_PD: F32, moves_P: U32) -> None:
        """Those of the boards that all places have now, after so many moves each."""
        if self._latest_PWD is None:
            self._latest_PWD = np.empty((len(self._full), WINDOW, rows_PD.shape[1]), np.float32)
        slots_P = moves_P % WINDOW
        self._latest_PWD[np.arange(len(rows_PD)), slots_P] = rows_PD
        for place in np.flatnonzero(slots_P == WINDOW - 1).tolist():
            self._full[place].append(self._latest_PWD[place].copy())

    def of(self, place: int, moves: int) -> F32 | None:
        """Those of a game's first `moves` boards [T, D]; None if none were ever added."""
        if self._latest_PWD is None:
            return None
        full = self._full[place]
        rest_RD = self._latest_PWD[place, : max(moves - WINDOW * len(full), 0)]
        return np.concatenate([*full, rest_RD])[:moves]

    def begin(self, places: Sequence[int]) -> None:
        """Games begin at these places, whatever was there."""
        for place in places:
            self._full[place] = []

    def grow(self, count: int) -> None:
        """Adds places at the end."""
        self._full += [[] for _ in range(count)]
        if self._latest_PWD is not None:
            more_PWD = np.empty((count, *self._latest_PWD.shape[1:]), np.float32)
            self._latest_PWD = np.concatenate([self._latest_PWD, more_PWD])

    def keep(self, places_P: I64) -> None:
        """Only these places stay, in this order."""
        self._full = [self._full[place] for place in places_P]
        if self._latest_PWD is not None:
            self._latest_PWD = self._latest_PWD[places_P]
