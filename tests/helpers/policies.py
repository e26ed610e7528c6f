"""Policies without a model: whatever bytes a board has, hashed to heads, so that all of play can be compared."""

import zlib

import numpy as np

from railyard.board.game.players import Answer


def hashed(exponents_B16, bins=5, width=3):
    """Heads and embeddings that are a function of the board alone."""
    seeds = [zlib.crc32(board.tobytes()) for board in exponents_B16]
    numbers = np.array([np.random.default_rng(seed).random(4 * bins + width, np.float32) for seed in seeds])
    return Answer(numbers[:, : 4 * bins].reshape(-1, 4, bins), numbers[:, 4 * bins :])


def snake(exponents_B16):
    """A policy over the moves that plays long games in no time: down, else left, else right."""
    return Answer(np.tile(np.array([0.01, 0.6, 0.3, 0.09], np.float32), (len(exponents_B16), 1)))
