"""Turned boards and labels: the reference's tables, the laws of a square, and the game played on turned boards."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.game import boards, rules
from railyard.board.packs.pack import Pack
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.training import symmetry
from railyard.board.training.collate import Collate

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
REFERENCE = json.loads((FIXTURES / "06_augmentation.json").read_text())
PACK = Pack.open(FIXTURES / "03_pack")
TOKENIZER = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json")
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


def tuple_rows(count):
    """Rows of the pack that have probabilities: their classes do not look at the one-sided heuristic."""
    rows = PACK.rows.gather(np.arange(len(PACK)))
    names = np.array(PACK.valuation_names)[rows["valuation_type"]]
    return np.flatnonzero(names != "search")[:count]


@given(st.lists(st.integers(0, 199), min_size=1, max_size=20), st.data())
def test_labels_of_tuple_rows_are_the_labels_of_the_turned_row(picks, data):
    numbers = tuple_rows(200)[picks]
    ops = np.array([data.draw(turns) for _ in numbers], np.uint8)
    batch = Collate(PACK, TOKENIZER)(numbers, ops)
    rows = PACK.rows.gather(numbers)
    for row, op in zip(rows, ops, strict=True):
        exponents = boards.decode(row["board"][None], row["tile_65536_mask"][None])[0]
        row["board"], row["tile_65536_mask"] = (part[0] for part in boards.encode(exponents[symmetry.CELLS[op]][None]))
        row["branch_evs"] = row["branch_evs"][symmetry.BRANCHES[op]]
        row["move_dir"] = symmetry.MOVES[op, row["move_dir"]]
        row["ev_legal"] = symmetry.LEGAL[op, row["ev_legal"]]
    np.testing.assert_array_equal(batch.tokens, boards.decode(rows["board"], rows["tile_65536_mask"]))
    np.testing.assert_array_equal(batch.targets, TOKENIZER.encode(rows, PACK.valuation_names))
    np.testing.assert_array_equal(batch.moves, rows["move_dir"])
    np.testing.assert_array_equal(batch.legal, rules.legal_moves(rows["board"], rows["tile_65536_mask"]))


def test_labels_of_search_rows_are_those_of_the_board_as_played():
    """Where the reference differs: it recomputes the heuristic on the turned board, and labels change."""
    numbers = np.arange(len(PACK))
    ops = np.full(len(PACK), 3, np.uint8)
    as_played = Collate(PACK, TOKENIZER)(numbers)
    batch = Collate(PACK, TOKENIZER)(numbers, ops)
    np.testing.assert_array_equal(batch.targets, as_played.targets[:, symmetry.BRANCHES[3]])
