import numpy as np
import oracle2048 as oracle
from boards2048 import any_boards, packed, tuples
from hypothesis import given

from railyard.board.game.sliding import (
    REWARD_OF_16,
    moved_rows,
    reward_of,
    sides_of,
    slid_legal_bits,
    slide_rows,
    slide_words,
)
from railyard.core.compiled import njit

WORDS = np.uint64(slide_words().ctypes.data)


@njit()
def _slid(board, words):
    lines = slide_rows(board, words)
    left, right = moved_rows(lines, np.uint64(0)), moved_rows(lines, np.uint64(16))
    return left, right, reward_of(lines), sides_of(lines), slid_legal_bits(board, words)


@given(any_boards)
def test_rows_slide_like_the_oracles(exponents_N16):
    plain = np.minimum(exponents_N16, 14)
    for board, word in zip(tuples(plain), packed(plain)[0], strict=True):
        expected = list(oracle.moves(board))
        changes = [after != board for after, _ in expected]
        left, right, reward, sides, legal = _slid(word, WORDS)
        assert [left, right] == packed([expected[2][0], expected[3][0]])[0].tolist()
        assert reward == expected[2][1]
        assert sides == changes[2] | changes[3] << 1
        assert legal == sum(change << way for way, change in enumerate(changes))


@given(any_boards)
def test_wherever_a_16_is_made_the_reward_tells(exponents_N16):
    plain = np.minimum(exponents_N16, 15)
    for board, word in zip(tuples(plain), packed(plain)[0], strict=True):
        if max(next(after for after, _ in list(oracle.moves(board))[2:])) == 16:
            assert _slid(word, WORDS)[2] >= REWARD_OF_16
