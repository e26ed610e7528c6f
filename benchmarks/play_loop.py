"""The loop of play with recording, in CPU time of one core, against the same in vectorised NumPy.

The policy answers four heads of 35 classes at once, so that nothing but the loop is measured: games of about 150 moves,
chosen, made, noted and written to a self-play pool. NumPy chooses and makes the moves and decodes the boards that
would be written; it neither keeps games apart nor writes.
"""

import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks import plain_engine
from benchmarks.figure import Figure, best_rate, cost
from benchmarks.yardstick import COPIED_BYTES, SPEED, Copy, in_turns
from railyard.board.game.boards import decode, legal_from_bits
from railyard.board.game.games import new_games
from railyard.board.game.play import Play, Table
from railyard.board.game.players import Answer, PolicyPlayer
from railyard.board.game.strategy import Argmax, tail
from railyard.board.packs.recording import recording

CLASSES = 35
TARGETS = {4096: 3e6, 256: 1e6}  # boards a second
GAMES_A_PLACE = 16
PLAIN_ROUNDS = 200


def measure() -> list[Figure]:
    return [_figure(places, target) for places, target in TARGETS.items()]


def _figure(places: int, target: float) -> Figure:
    heads_PHN = np.random.default_rng(0).random((places, 4, CLASSES), np.float32)
    player = PolicyPlayer(lambda asked_B16: Answer(heads_PHN[: len(asked_B16)]), Argmax(), places)

    def ours() -> int:
        with tempfile.TemporaryDirectory() as folder, recording(Path(folder) / "pool", {}, None, 1_000_000) as recorder:
            play = Play(player, Table(GAMES_A_PLACE * places, places=places))
            for games in play:
                recorder.add(games)
            recorder.write()
        return play.moves

    pair, plain = in_turns(ours, Copy()), best_rate(lambda: _plain(heads_PHN), clock=time.process_time)
    return cost(
        f"loop of play with recording, a board, {places:,} places",
        pair,
        COPIED_BYTES,
        SPEED[COPIED_BYTES] / target,
        "the same moves in vectorised NumPy, nothing written",
        pair.rate / plain,
        f"{pair.rate / 1e6:.2f}M boards/s of CPU time",
    )


def _plain(heads_PHN: np.ndarray) -> int:
    random, begun = np.random.default_rng(1), new_games(np.arange(len(heads_PHN)))
    boards_P, legal_P, masks_P = begun.boards_N.copy(), begun.legal_N, np.zeros(len(heads_PHN), np.uint16)
    for _ in range(PLAIN_ROUNDS):
        decode(boards_P, masks_P)
        scores_P4 = np.where(legal_from_bits(legal_P), tail(heads_PHN), -1)
        boards_P, _, legal_P = plain_engine.step(boards_P, scores_P4.argmax(axis=1).astype(np.uint8), random)
        over_P = legal_P == 0
        boards_P, legal_P = np.where(over_P, begun.boards_N, boards_P), np.where(over_P, begun.legal_N, legal_P)
    return PLAIN_ROUNDS * len(heads_PHN)
