"""Turned rows: the reference's tables, the laws of a square, and the moves that a turned board has."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game import rules, symmetry

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
REFERENCE = json.loads((FIXTURES / "06_augmentation.json").read_text())
CASES = [(kind, number) for kind in ("rotation", "flip") for number in REFERENCE[kind]]
turns = st.integers(0, symmetry.TURNS - 1)
cells = st.lists(st.integers(0, 17), min_size=16, max_size=16)


def turn_of(kind, number):
    return int(number) * (symmetry.FLIPS if kind == "rotation" else 1)


def turned(turn, exponents, classes=(0, 0, 0, 0), move=0, legal=0):
    """Plain lists of a row after a turn."""
    row = [np.array([part], np.uint8) for part in (exponents, classes, move, legal)]
    symmetry.turn_rows(np.array([turn], np.uint8), *row)
    return [part[0].tolist() for part in row]


@pytest.mark.parametrize(("kind", "number"), CASES)
def test_reference_tables(kind, number):
    expected, turn = REFERENCE[kind][number], turn_of(kind, number)
    exponents, classes, _, _ = turned(turn, range(16), [10, 11, 12, 13])
    assert exponents == expected["board_of_arange16"]
    assert classes == expected["branch_of_10_11_12_13"]
    assert symmetry.MOVES[turn].tolist() == expected["move_dir_of_0_1_2_3"]
    assert symmetry.LEGAL[turn][[1, 2, 4, 8, 5, 11]].tolist() == expected["legal_bits_of_1_2_4_8_5_11"]


@given(turns, cells, st.lists(st.integers(0, 40), min_size=4, max_size=4), st.integers(0, 3), st.integers(0, 15))
def test_every_turn_has_one_that_undoes_it(turn, exponents, classes, move, legal):
    row = [exponents, classes, move, legal]
    backs = [back for back in range(symmetry.TURNS) if turned(back, *turned(turn, *row)) == row]
    assert any(
        turned(back, *turned(turn, range(16), range(4), 1, 1)) == [[*range(16)], [*range(4)], 1, 1] for back in backs
    )


@given(turns, cells)
def test_legal_moves_of_the_turned_board_are_the_turned_legal_moves(turn, exponents):
    legal = int(rules.legal_bits(np.array(exponents, np.uint8)))
    exponents, _, _, legal = turned(turn, exponents, legal=legal)
    assert legal == rules.legal_bits(np.array(exponents, np.uint8))


@given(turns, st.integers(0, 3), st.integers(0, 15))
def test_a_move_stays_legal_and_keeps_its_class(turn, move, others):
    classes = [7 if branch == move else 1 for branch in range(4)]
    _, classes, new_move, legal = turned(turn, range(16), classes, move, others | 1 << move)
    assert classes[new_move] == 7
    assert legal >> new_move & 1
