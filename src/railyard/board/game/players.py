"""Who chooses the moves of games in play: a model, the teacher, or chance.

A model is a policy, any callable from exponents uint8 [B, 16] to an `Answer`; nothing here knows what computes it.

Shapes: B boards, 4 moves in the order UDLR, N bins, D values of an embedding.
"""

import threading
from collections.abc import Callable, Iterator, Mapping
from typing import NamedTuple

import numpy as np

from railyard.board.game.boards import decode
from railyard.board.game.choosing import drawn
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.strategy import Strategy
from railyard.board.game.symmetry import CELLS, MOVES
from railyard.board.game.teacher import Teacher
from railyard.core.arrays import F32, U8, U16, U32, U64
from railyard.core.errors import RailyardError


class ModelLost(RailyardError):
    """A policy that gives no answers any more: the games that wait for it cannot go on."""


class Position(NamedTuple):
    """The boards that wait for a move, one of each game."""

    boards_B: U64
    masks_B: U16
    legal_B: U8  # bits U 1, D 2, L 4, R 8, never 0
    seeds_B: U64  # of the games
    moves_B: U32  # made so far


class Choice(NamedTuple):
    """The moves, 255 where there is none; what the model thought of the boards, if that was asked."""

    moves_B: U8
    embeddings_BD: F32 | None = None


class Answer(NamedTuple):
    """What a policy says of B boards, as probabilities: four heads [B, 4, N], or one policy over the moves [B, 4].

    values: logits [B, dim] by the name of a value head, where they were asked for; players do not look at them.
    """

    heads: F32
    embeddings_BD: F32 | None = None
    values: Mapping[str, F32] | None = None


Policy = Callable[[U8], Answer]  # ModelLost where there is nobody to answer any more
Player = Callable[[Position], Choice]  # called by several threads

# one of the turns of `symmetry` for each of the eight symmetries of a board; the first leaves it as it is
EIGHT = np.sort(np.unique(CELLS, axis=0, return_index=True)[1])


def random_player(position: Position) -> Choice:
    """Any legal move."""
    moves_B = np.empty(len(position.legal_B), np.uint8)
    even_B4 = np.ones((len(moves_B), 4), np.float32)
    drawn(even_B4, position.legal_B, 1.0, position.seeds_B, position.moves_B, moves_B)
    return Choice(moves_B)


class TeacherPlayer:
    """Expectimax; each thread searches in a table of its own."""

    def __init__(self, depth: int, tables: EndgameTables) -> None:
        self.depth, self.tables = depth, tables
        self._own = threading.local()

    def __call__(self, position: Position) -> Choice:
        if not hasattr(self._own, "teacher"):
            self._own.teacher = Teacher(self.depth, self.tables)
        return Choice(self._own.teacher.decide(position.boards_B, position.masks_B).moves_N)


class PolicyPlayer:
    """A policy's answers, and a strategy that chooses by them.

    The policy is always asked for `bucket` boards, the last time padded with empty ones: on the CPU the answer for a
    board is then the same whatever others are asked with it. None: it is asked for all boards at once and sees to that
    itself. `symmetries` 8 averages over the eight turned boards.
    """

    def __init__(self, policy: Policy, strategy: Strategy, bucket: int | None, symmetries: int = 1) -> None:
        self.policy, self.strategy, self.bucket = policy, strategy, bucket
        self.turns = EIGHT[:symmetries]

    def __call__(self, position: Position) -> Choice:
        exponents_B16 = decode(position.boards_B, position.masks_B)
        answers = [self._asked(exponents_B16[:, CELLS[turn]] if turn else exponents_B16) for turn in self.turns]
        heads_B4N = answers[0].heads
        if len(answers) > 1:
            turned = [answer.heads[:, MOVES[turn]] for turn, answer in zip(self.turns, answers, strict=True)]
            heads_B4N = np.mean(turned, axis=0, dtype=np.float32)
        if heads_B4N.ndim == 2:
            heads_B4N = heads_B4N[:, :, None]
        moves_B = self.strategy.choose(heads_B4N, position.legal_B, position.seeds_B, position.moves_B)
        return Choice(moves_B, answers[0].embeddings_BD)

    def _asked(self, exponents_B16: U8) -> Answer:
        if self.bucket is None:
            return self.policy(np.ascontiguousarray(exponents_B16))
        passes = list(self._passes(exponents_B16, self.bucket))
        if len(passes) == 1:
            return passes[0]
        embeddings = [each.embeddings_BD for each in passes if each.embeddings_BD is not None]
        return Answer(
            np.concatenate([each.heads for each in passes]), np.concatenate(embeddings) if embeddings else None
        )

    def _passes(self, exponents_B16: U8, bucket: int) -> Iterator[Answer]:
        for first in range(0, len(exponents_B16), bucket):
            asked = exponents_B16[first : first + bucket]
            count = len(asked)
            if count < bucket:
                asked = np.concatenate([asked, np.zeros((bucket - count, 16), np.uint8)])
            answer = self.policy(np.ascontiguousarray(asked))
            embeddings_BD = answer.embeddings_BD
            yield Answer(answer.heads[:count], None if embeddings_BD is None else embeddings_BD[:count])
