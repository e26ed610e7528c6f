"""Games played at many places at once: as one ends, the next begins in its place.

Game i has the seed `seed` + i, and all of it follows from that seed and the player, so it is the same for any number
of places. Games are given in their order. Places are divided into groups: while one is with the player, the others
move. Of a game its moves are kept, a byte each; its boards follow from them (`games.replayed`).

Shapes: P places of a group, T moves of a game, D values of an embedding.
"""

from collections import deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from itertools import pairwise
from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import decode
from railyard.board.game.choosing import NONE
from railyard.board.game.embeddings import EmbeddingsInPlay
from railyard.board.game.games import MODEL_LOST, MOST_MOVES, NO_MOVE_CHOSEN, PLAYING, Games, new_games, step
from railyard.board.game.players import Choice, ModelLost, Player, Position
from railyard.core.arrays import F32, U8, U64
from railyard.core.compiled import njit

ROOM = 256 << 20  # bytes of games that wait for their turn; beyond that no game is begun
FIRST_MOVES = 1024  # that a place has room for; doubled as a game goes on


@dataclass(frozen=True)
class Table:
    """Which games are played, and at how many places."""

    games: int
    seed: int = 1
    places: int = 256
    groups: int = 1
    max_moves: int | None = None
    first: int = 0  # number of the first game to play; those before it are done

    def seed_of(self, number: int) -> int:
        return (self.seed + number) % 2**64


class Played(NamedTuple):
    """A game that has ended."""

    number: int
    seed: int
    score: int  # the sum of the merged tiles
    highest: int  # exponent
    ended: int  # one of the ends of `games`
    moves_T: U8
    embeddings_TD: F32 | None = None

    @property
    def bytes(self) -> int:
        return len(self.moves_T) + (0 if self.embeddings_TD is None else self.embeddings_TD.nbytes)


class Play:
    """Plays the games of a table as it is iterated: after each move of a group, the games whose turn has come.

    Whatever the player raises is raised here; a ModelLost only after the games that were in play, which end by it.
    moves: made so far.
    """

    def __init__(self, player: Player, table: Table, room: int = ROOM) -> None:
        self.player, self.table, self.room = player, table, room
        self.moves = 0
        bounds = [table.places * i // table.groups for i in range(table.groups + 1)]
        self._resting = [_Group(end - start) for start, end in pairwise(bounds) if end > start]
        self._asked: deque[tuple[_Group, Callable[[], Choice]]] = deque()
        self._next = self._due = table.first  # the game to begin, the game to give
        self._waiting: dict[int, Played] = {}
        self._waiting_bytes = 0
        self._lost: ModelLost | None = None

    def __iter__(self) -> Iterator[list[Played]]:
        with ThreadPoolExecutor(self.table.groups) as threads:
            self._wake(threads)
            while self._asked:
                group, choice = self._asked.popleft()
                self._move(group, choice)
                for game in group.played():
                    self._waiting[game.number] = game
                    self._waiting_bytes += game.bytes
                self._resting.append(group)
                games = self._in_order()
                self._wake(threads)
                yield games
        if self._lost:
            raise self._lost

    def _move(self, group: "_Group", choice: Callable[[], Choice]) -> None:
        try:
            chosen = choice()
        except ModelLost as lost:
            self._lost = lost
        if self._lost:
            group.lose()
        else:
            self.moves += len(group.numbers)
            group.advance(chosen, self.table.max_moves)

    def _in_order(self) -> list[Played]:
        games = []
        while self._due in self._waiting:
            games.append(self._waiting.pop(self._due))
            self._waiting_bytes -= games[-1].bytes
            self._due += 1
        return games

    def _wake(self, threads: ThreadPoolExecutor) -> None:
        """Begins games at free places, and asks the player for the moves of each group that has a game."""
        resting, self._resting = self._resting, []
        for group in resting:
            fresh = self._begun(group.free)
            group.refill(fresh, [self.table.seed_of(number) for number in fresh])
            if not group.numbers:
                self._resting.append(group)
            elif self.table.groups == 1:
                self._asked.append((group, partial(self.player, group.position())))
            else:
                self._asked.append((group, threads.submit(self.player, group.position()).result))

    def _begun(self, places: int) -> list[int]:
        if self._lost or self._waiting_bytes > self.room:
            return []
        fresh = list(range(self._next, min(self._next + places, self.table.games)))
        self._next += len(fresh)
        return fresh


@njit(error_model="numpy")
def _note(games: Games, moves_P: U8, notes_PM: U8) -> None:
    """Writes the moves down; a game without one ends."""
    for place in range(len(moves_P)):
        if moves_P[place] == NONE:
            games.states_N[place], games.legal_N[place], moves_P[place] = NO_MOVE_CHOSEN, 0, 0
        else:
            notes_PM[place, games.moves_N[place]] = moves_P[place]


class _Group:
    """Places that move together, each a row of all arrays, of which those in `ended` are free."""

    def __init__(self, places: int) -> None:
        self.places = places
        self.numbers: list[int] = []
        self.ended: list[int] = []
        self.games = new_games(np.empty(0, np.uint64))
        self.seeds_P = np.empty(0, np.uint64)
        self.notes_PM = np.empty((0, FIRST_MOVES), np.uint8)
        self.embeddings = EmbeddingsInPlay()

    @property
    def free(self) -> int:
        return self.places - len(self.numbers) + len(self.ended)

    def position(self) -> Position:
        games = self.games
        return Position(games.boards_N, games.masks_N, games.legal_N, self.seeds_P, games.moves_N)

    def advance(self, choice: Choice, max_moves: int | None) -> None:
        """Makes the moves of all places."""
        moves_P = np.array(choice.moves_B, np.uint8)
        if self.games.moves_N.max() == self.notes_PM.shape[1]:
            self.notes_PM = np.concatenate([self.notes_PM, np.empty_like(self.notes_PM)], axis=1)
        if choice.embeddings_BD is not None:
            self.embeddings.add(choice.embeddings_BD, self.games.moves_N)
        _note(self.games, moves_P, self.notes_PM)
        step(self.games, moves_P)
        if max_moves:
            self.games.states_N[self.games.moves_N == max_moves] = MOST_MOVES
        self.ended = np.flatnonzero(self.games.states_N != PLAYING).tolist()

    def lose(self) -> None:
        """Ends all games."""
        self.games.states_N[:] = MODEL_LOST
        self.ended = list(range(len(self.numbers)))

    def played(self) -> Iterator[Played]:
        """The games that have ended."""
        if not self.ended:
            return
        games = self.games
        highest = decode(games.boards_N[self.ended], games.masks_N[self.ended]).max(axis=1)
        columns = (games.scores_N[self.ended], highest, games.states_N[self.ended], games.moves_N[self.ended])
        for place, score, top, state, moves in zip(self.ended, *(column.tolist() for column in columns), strict=True):
            moves_T, known_TD = self.notes_PM[place, :moves].copy(), self.embeddings.of(place, moves)
            yield Played(self.numbers[place], int(self.seeds_P[place]), score, top, state, moves_T, known_TD)

    def refill(self, numbers: Sequence[int], seeds: Sequence[int]) -> None:
        """Begins games, first where one has ended; the other places that are free go."""
        begun, seeds_N = new_games(np.array(seeds, np.uint64)), np.array(seeds, np.uint64)
        reused, gone = self.ended[: len(numbers)], self.ended[len(numbers) :]
        self.ended = []
        for place, number in zip(reused, numbers, strict=False):
            self.numbers[place] = number
        self.embeddings.begin(reused)
        self.seeds_P[reused] = seeds_N[: len(reused)]
        for name, column in begun._asdict().items():
            getattr(self.games, name)[reused] = column[: len(reused)]
        if gone:
            self._drop(gone)
        elif len(numbers) > len(reused):
            rest = slice(len(reused), None)
            self._grow(numbers[rest], seeds_N[rest], Games._make(column[rest] for column in begun))

    def _drop(self, gone: Sequence[int]) -> None:
        kept = np.delete(np.arange(len(self.numbers)), gone)
        self.games, self.seeds_P = Games._make(column[kept] for column in self.games), self.seeds_P[kept]
        self.notes_PM = self.notes_PM[kept]
        self.numbers = [self.numbers[place] for place in kept]
        self.embeddings.keep(kept)

    def _grow(self, numbers: Sequence[int], seeds_N: U64, games: Games) -> None:
        self.games = Games._make(np.concatenate([old, new]) for old, new in zip(self.games, games, strict=True))
        self.seeds_P = np.concatenate([self.seeds_P, seeds_N])
        self.notes_PM = np.concatenate([self.notes_PM, np.empty((len(numbers), self.notes_PM.shape[1]), np.uint8)])
        self.numbers += numbers
        self.embeddings.grow(len(numbers))
