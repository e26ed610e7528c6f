"""The labels of compiled batches against a loop over games and their rows."""

import tempfile
from contextlib import contextmanager
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.game.boards import encode
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.tokens.played_move import PlayedMove
from railyard.board.training.collate import Collate
from railyard.board.training.outcomes import NO_LABEL, DiesWithin, Reaches
from railyard.board.training.value_labels import DIED

REASONS = [DIED, "max_moves reached", "no move chosen", None]

exponents = st.lists(st.integers(0, 16), min_size=1, max_size=6)  # the highest of each row
games = st.lists(st.tuples(exponents, st.sampled_from(REASONS), st.integers(1, 17)), min_size=1, max_size=5)


@contextmanager
def pack_of(played, first_id=0, gap=1, first_step=0):
    """A pack of games (highest exponents of the rows, end, highest exponent); steps count from `first_step`."""
    with tempfile.TemporaryDirectory() as folder:
        ids = [first_id + gap * place for place in range(len(played))]
        with runs_writer(Path(folder) / "metadata.db") as writer:
            for number, (rows, end, highest) in zip(ids, played, strict=True):
                writer.add(Run(number, 7, len(rows), 100, 2**highest), end)
        steps = np.zeros(sum(len(rows) for rows, _, _ in played), STEP)
        cells = np.zeros((len(steps), 16), np.uint8)
        cells[:, 5] = [highest for rows, _, _ in played for highest in rows]
        steps["board"], steps["tile_65536_mask"] = encode(cells)
        steps["run_id"] = np.repeat(ids, [len(rows) for rows, _, _ in played])
        steps["step_index"] = [first_step + place for rows, _, _ in played for place in range(len(rows))]
        np.save(Path(folder) / "steps.npy", steps)
        (Path(folder) / "valuation_types.json").write_text('{"search": 0, "tuple11": 1, "tuple10": 2}')
        yield Pack.open(folder)


def game_by_game(played, moves, tile):
    for rows, end, highest in played:
        for place, holds in enumerate(rows):
            dies = 1 if len(rows) - place <= moves else 0
            yield NO_LABEL if dies and end not in (DIED, None) else dies, reaches(2**highest, 2**holds, tile)


def reaches(highest, holds, tile):
    return NO_LABEL if holds >= tile else int(highest >= tile)


@settings(max_examples=40, deadline=None)
@given(games, st.integers(1, 8), st.integers(2, 16), st.integers(0, 3), st.integers(1, 3), st.integers(0, 2**20))
def test_labels_are_those_of_a_loop_over_games(played, moves, exponent, first_id, gap, first_step):
    outcomes = {"p_die": DiesWithin(moves=moves), "reach": Reaches(tile=2**exponent)}
    with pack_of(played, first_id, gap, first_step) as pack:
        rows = np.arange(len(pack))[::-1]
        batch = Collate([pack], PlayedMove(), outcomes)(np.ascontiguousarray(rows))
    assert batch.values[::-1].tolist() == [[*pair] for pair in game_by_game(played, moves, 2**exponent)]


def test_a_game_without_rows_shifts_no_other():
    played = [([1] * 3, DIED, 4), ([1] * 2, DIED, 2)]
    with pack_of([played[0], ([], DIED, 16), played[1]]) as pack:
        values = Collate([pack], PlayedMove(), {"a": Reaches(tile=16), "b": DiesWithin(moves=1)})(np.arange(5)).values
    assert values.tolist() == [[1, 0], [1, 0], [1, 1], [0, 0], [0, 1]]


def test_games_of_a_second_pack_keep_their_labels():
    outcomes = {"p_die": DiesWithin(moves=2), "reach": Reaches(tile=16)}
    with pack_of([([1] * 3, DIED, 4)]) as first, pack_of([([], DIED, 2), ([1] * 4, DIED, 2)]) as second:
        values = Collate([first, second], PlayedMove(), outcomes)(np.arange(7)).values
    assert values.tolist() == [[0, 1], [1, 1], [1, 1], [0, 0], [0, 0], [1, 0], [1, 0]]


@pytest.mark.parametrize("turn", [0, 5])
def test_a_turned_board_keeps_its_labels(turn):
    with pack_of([([3, 3, 3], DIED, 9)]) as pack:
        collate = Collate([pack], PlayedMove(), {"reach": Reaches(tile=512)})
        assert collate(np.arange(3), np.full(3, turn, np.uint8)).values.tolist() == [[1]] * 3


def test_without_value_heads_there_are_no_labels():
    with pack_of([([3], DIED, 9)]) as pack:
        assert Collate([pack], PlayedMove())(np.arange(1)).values.shape == (1, 0)
