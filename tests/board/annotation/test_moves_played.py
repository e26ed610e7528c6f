import numpy as np
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.annotation import moves_played
from railyard.board.annotation.moves_played import Rows, recover, successors
from railyard.board.game.boards import encode
from railyard.board.game.moves import move_cells


def rows_of(runs, steps, exponents):
    boards, masks = encode(np.array(exponents, np.uint8))
    return Rows(np.array(runs, np.uint64), np.array(steps, np.uint32), boards, masks)


@given(st.lists(st.integers(0, 4), min_size=1, max_size=60), st.integers(1, 60))
def test_successors_as_by_looking_at_each_row(runs, count):
    runs, count = np.array(runs, np.uint64), min(count, len(runs))
    next_B, waiting = successors(runs, count)
    for row in range(count):
        later = [place for place in range(row + 1, len(runs)) if runs[place] == runs[row]]
        assert next_B[row] == (later[0] if later else -1)
    assert waiting.tolist() == [row for row in range(count) if next_B[row] < 0]


def played(board, direction):
    cells = np.array(board, np.uint8)
    move_cells(cells, direction)
    return cells


def slow(board, after):
    """The one move whose afterstate differs from the next board in one new tile."""
    found = []
    for direction in range(4):
        cells = played(board, direction)
        differs = np.flatnonzero(cells != np.array(after))
        if cells.tolist() != list(board) and len(differs) == 1:
            cell = differs[0]
            found += [direction] * (cells[cell] == 0 and after[cell] in (1, 2))
    return found[0] if len(found) == 1 else 255


@given(
    st.lists(st.sampled_from([0, 0, 1, 1, 2, 3, 15, 16]), min_size=16, max_size=16),
    st.integers(0, 3),
    st.integers(0, 15),
    st.integers(1, 3),
)
def test_a_move_as_by_trying_all(board, direction, cell, tile):
    after = np.minimum(played(board, direction), 16)
    if after[cell] == 0:
        after[cell] = tile
    if max(board) == 16 and 17 in played(board, direction):
        return
    found = recover(rows_of([0, 0], [4, 5], [board, after]), np.array([1]))[0]
    assert found == slow(board, after)


def test_a_gap_in_the_steps_or_too_long_a_wait_is_unknown(monkeypatch):
    board = [0] * 14 + [1, 1]
    after = played(board, 2)
    after[0] = 1
    rows = rows_of([0, 0], [4, 6], [board, after])
    assert recover(rows, np.array([1])).tolist() == [255]
    rows = rows_of([0, 1, 0], [4, 0, 5], [board, board, after])
    next_B, _ = successors(rows.runs_M, 3)
    assert recover(rows, next_B).tolist() == [2, 255, 255]
    monkeypatch.setattr(moves_played, "WINDOW", 1)
    assert recover(rows, next_B).tolist() == [255, 255, 255]
