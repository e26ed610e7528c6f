import numpy as np
import oracle2048 as oracle
import pytest
from boards2048 import full_boards, packed, played_boards, raised, tuples
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.game.boards import legal_from_bits
from railyard.board.game.rows import teacher_line_values
from railyard.board.game.rules import legal_moves
from railyard.board.game.searcher import Heuristic, Searcher, branch_evs, search
from railyard.board.packs.pack import Pack
from railyard.core.compiled import njit


def assert_oracle(exponents_N16, depth, cancelling=False):
    """Equal to 1e-6 of the EV, or of 1 where that is more; `cancelling`: of the largest tile's value.

    Logged EVs have three decimals: 1e-6 of 1 is a thousandth of their last.
    """
    evs_N4 = branch_evs(*packed(exponents_N16), depth)
    expected_N4 = np.array([oracle.evs(board, depth) for board in tuples(exponents_N16)])
    np.testing.assert_array_equal(evs_N4 == 0, expected_N4 == 0)
    largest = exponents_N16.max(axis=1, keepdims=True).astype(float)
    scale = np.maximum(np.abs(expected_N4), 1)
    if cancelling:
        # made boards weigh dead ends against large tiles, and sums of opposite sign lose digits
        scale = np.maximum(scale, largest * 2**largest / 1000)
    assert (np.abs(evs_N4 - expected_N4) <= 1e-6 * scale).all()


@pytest.mark.parametrize("depth", [1, 2])
def test_evs_of_played_boards_are_the_oracles(depth):
    assert_oracle(played_boards(2000)[::25], depth)


@pytest.mark.parametrize("top", [14, 15, 16])
def test_evs_of_boards_with_large_tiles_are_the_oracles(top):
    boards = raised(played_boards(2000)[::80], top)
    assert_oracle(boards, 1, cancelling=True)
    assert_oracle(boards, 2, cancelling=True)


@settings(max_examples=25)
@given(full_boards, st.integers(1, 2))
def test_evs_of_any_board_are_the_oracles(exponents_N16, depth):
    assert_oracle(exponents_N16, depth, cancelling=True)


def test_evs_at_depth_3_are_the_oracles():
    boards = played_boards(2000)
    crowded = boards[(boards == 0).sum(axis=1) < 5]
    assert_oracle(crowded[::60], 3)


@pytest.mark.slow
@pytest.mark.parametrize("depth", [1, 2])
def test_evs_of_ten_thousand_boards_are_the_oracles(depth):
    boards = played_boards(8500)
    assert_oracle(boards, depth)
    for top in (14, 15, 16):
        assert_oracle(raised(boards[::17], top), depth, cancelling=True)


def mixed_boards():
    boards = played_boards(2000)[::10]
    return np.concatenate([boards, raised(boards[::8], 15), raised(boards[::8], 16), raised(boards[::8], 13)])


@pytest.mark.parametrize("depth", [1, 2, 3, 4])
def test_the_same_bits_in_any_order_with_any_table_on_any_threads(depth):
    boards, masks = packed(mixed_boards()[:: 1 if depth < 4 else 16])
    expected = Searcher(depth).branch_evs(boards, masks)
    shuffled = np.random.default_rng(7).permutation(len(boards))
    for slots in (2, 2**10, 2**18):
        found = Searcher(depth, slots).branch_evs(boards[shuffled], masks[shuffled])
        assert found.tobytes() == expected[shuffled].tobytes()
    assert branch_evs(boards, masks, depth, threads=3).tobytes() == expected.tobytes()
    alone = [Searcher(depth, 2**4).branch_evs(boards[i : i + 1], masks[i : i + 1]) for i in range(0, len(boards), 11)]
    assert np.concatenate(alone).tobytes() == expected[::11].tobytes()


@pytest.mark.slow
@pytest.mark.parametrize("depth", [5, 6])
def test_the_same_bits_at_larger_depths(depth):
    boards, masks = packed(mixed_boards()[::40])
    expected = Searcher(depth).branch_evs(boards, masks)
    assert Searcher(depth, 2**10).branch_evs(boards[::-1], masks[::-1]).tobytes() == expected[::-1].tobytes()


def test_an_illegal_move_is_worth_0():
    boards, masks = packed(mixed_boards())
    legal_N4 = legal_moves(boards, masks)[:, None] >> np.arange(4) & 1
    np.testing.assert_array_equal(branch_evs(boards, masks, 1) != 0, legal_N4 == 1)


def test_a_dead_board_has_no_values():
    assert branch_evs(*packed([[1, 2, 1, 2, 2, 1, 2, 1] * 2]), 3).tolist() == [[0, 0, 0, 0]]


def test_evs_of_the_transposed_board_are_those_of_the_swapped_moves():
    boards = mixed_boards()
    turned = boards.reshape(-1, 4, 4).transpose(0, 2, 1).reshape(-1, 16)
    evs_N4 = branch_evs(*packed(boards), 2)
    largest = (boards.max(axis=1) * 2.0 ** boards.max(axis=1) / 1000)[:, None]
    difference = np.abs(branch_evs(*packed(turned), 2)[:, [2, 3, 0, 1]] - evs_N4)
    assert (difference <= 1e-6 * np.maximum(np.abs(evs_N4), largest)).all()


def test_a_quarter_turn_is_another_position():
    boards = played_boards(2000)[::10]
    turned = np.rot90(boards.reshape(-1, 4, 4), axes=(1, 2)).reshape(-1, 16)
    assert not np.allclose(branch_evs(*packed(turned), 1)[:, [2, 3, 1, 0]], branch_evs(*packed(boards), 1), rtol=1e-3)


@njit()
def _greedy(boards_N, masks_N, context, out_N4):
    for row in range(len(boards_N)):
        evs = search(boards_N[row], masks_N[row], context)
        for branch in range(4):
            out_N4[row, branch] = evs[branch]


def test_compiled_callers_get_the_same_values():
    boards, masks = packed(mixed_boards())
    searcher, out = Searcher(2), np.empty((len(boards), 4), np.float32)
    _greedy(boards, masks, searcher.context, out)
    assert out.tobytes() == searcher.branch_evs(boards, masks).tobytes()


def test_another_heuristic_is_another_table():
    empties = np.zeros((17,) * 4, np.float32)
    for line in np.ndindex(empties.shape):
        empties[line] = line.count(0)
    boards, masks = packed(played_boards(100))
    evs_N4 = Searcher(1, heuristic=Heuristic(empties)).branch_evs(boards, masks)
    assert (evs_N4 != branch_evs(boards, masks, 1)).any()
    # each empty cell counts in its row and its column; after a tile and a move at most 15 are left
    assert 0 < evs_N4.max() <= 0.03


def test_the_teachers_heuristic_is_the_default():
    boards, masks = packed(mixed_boards())
    explicit = Searcher(2, heuristic=Heuristic(teacher_line_values())).branch_evs(boards, masks)
    assert explicit.tobytes() == branch_evs(boards, masks, 2).tobytes()


@pytest.mark.parametrize("depth", [0, 9])
def test_depths_beyond_1_to_8_are_refused(depth):
    with pytest.raises(ValueError, match=f"depth must be 1 to 8, got {depth}"):
        Searcher(depth)


@pytest.mark.parametrize("slots", [0, 1, 1000])
def test_a_table_has_a_power_of_two_of_slots(slots):
    with pytest.raises(ValueError, match=f"a power of two from 2 up, got {slots}"):
        Searcher(1, slots)


def test_no_boards_have_no_evs():
    assert branch_evs(*packed(np.empty((0, 16), np.uint8)), 1).shape == (0, 4)


def test_moves_are_counted_where_afterstates_are_expanded():
    board = np.array([[3, 2, 1, 1] + [0] * 12], np.uint8)
    afters = [after for after, _ in oracle.moves(tuple(map(int, board[0]))) if list(after) != board[0].tolist()]
    searcher = Searcher(1)
    searcher.branch_evs(*packed(board))
    # those below the root's bound are leaves
    expanded = [after for after in afters if oracle.static(after) >= 2 * 3 * 2**3]
    assert 0 < len(expanded) < len(afters)
    assert searcher.moves_evaluated == 8 * sum(after.count(0) for after in expanded)
    searcher.branch_evs(*packed(board))
    # the second time all are found in the table
    assert searcher.moves_evaluated == 8 * sum(after.count(0) for after in expanded)


def test_most_moves_of_a_logged_search_at_depth_3_are_the_teachers_at_depth_3(tiny_pack):
    pack = Pack.open(tiny_pack)
    rows = next(pack.rows.chunks(len(pack)))[1].copy()
    rows = rows[rows["valuation_type"] == pack.valuation_names.index("search")][::2]
    legal_N4 = legal_from_bits(rows["ev_legal"])
    best = {}
    for depth in (1, 2, 3, 4):
        evs_N4 = branch_evs(rows["board"].copy(), rows["tile_65536_mask"].copy(), depth)
        # where moves tie, the logs play the first of up, left, right, down
        order = np.array([0, 2, 3, 1])
        moves_N = order[np.where(legal_N4, evs_N4, -np.inf)[:, order].argmax(axis=1)]
        best[depth] = (moves_N == rows["move_dir"]).mean()
    assert max(best, key=best.get) == 3
    assert best[3] > 0.85


def test_roots_under_different_rules_do_not_share_values():
    # moved left the two are one board, on which a 4 is the end; but the end is worse below a 14 than below a 13
    rest = [5, 3, 6, 4, 3, 6, 4, 5, 6, 4, 5, 3]
    boards = np.array([[13, 13, 2, 1, *rest], [14, 0, 2, 1, *rest]], np.uint8)
    assert len({next(after for after, _ in list(oracle.moves(board))[2:]) for board in tuples(boards)}) == 1
    first, second = Searcher(1).branch_evs(*packed(boards))[:, 2]
    assert first - second == pytest.approx(0.1 * 2 * (14 * 2**14 - 13 * 2**13) / 1000)
