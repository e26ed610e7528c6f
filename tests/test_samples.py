"""The model that ships: small, whole, and better than chance."""

import gzip
import json
from itertools import islice
from pathlib import Path

import numpy as np

from railyard.board.model.init_folder import read_init
from railyard.board.model.policy import ModelPolicy
from railyard.core import package

SAMPLES = Path(package.bundled("samples"))
MODEL = SAMPLES / "models" / "board-small"
MOVES = ("up", "down", "left", "right")


def test_the_shipped_model_finds_most_moves_of_a_game_that_it_never_saw():
    with gzip.open(min((SAMPLES / "board").glob("*.jsonl.gz"))) as file:
        rows = [json.loads(line) for line in islice(file, 1000)]
    boards = np.array([row["board"] for row in rows], np.uint8)
    answer = ModelPolicy(read_init(MODEL)[0], "cpu", values=True)(boards)
    played = [MOVES.index(row["move"]) for row in rows]
    assert np.mean(answer.heads[:, :, -1].argmax(axis=1) == played) > 0.5
    assert {name: values.shape for name, values in answer.values.items()} == dict.fromkeys(
        ("p_die", "reach_16384"), (1000, 1)
    )


def test_it_is_small():
    assert sum(file.stat().st_size for file in MODEL.iterdir()) <= 3e6
