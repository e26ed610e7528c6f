import json
from pathlib import Path

import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from railyard.board.game.boards import decode, decode_into, encode, encode_row, exponent, legal_from_bits

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
CASES = json.loads((FIXTURES / "01_board_codec_head.json").read_text())

exponents = hnp.arrays(np.uint8, st.tuples(st.integers(0, 20), st.just(16)), elements=st.integers(0, 20))


def test_reference_boards_are_packed_and_unpacked_exactly():
    boards, masks = encode(np.array([case["exps"] for case in CASES], np.uint8))
    assert boards.tolist() == [int(case["packed_dec"]) for case in CASES]
    assert masks.tolist() == [case["mask65536"] for case in CASES]
    assert decode(boards, masks).tolist() == [case["decoded"] for case in CASES]


@settings(deadline=None)
@given(exponents)
def test_decoding_undoes_encoding_up_to_saturation(exponents_N16):
    boards, masks = encode(exponents_N16)
    assert boards.dtype == np.uint64
    assert masks.dtype == np.uint16
    np.testing.assert_array_equal(decode(boards, masks), np.minimum(exponents_N16, 16))


@settings(deadline=None)
@given(
    hnp.arrays(np.uint64, 5, elements=st.integers(0, 2**64 - 1)),
    hnp.arrays(np.uint16, 5, elements=st.integers(0, 2**16 - 1)),
)
def test_packed_words_survive_a_round_trip_where_the_mask_agrees(boards, masks):
    # a set mask bit means nibble 15: make it so, as every writer does
    for cell in range(16):
        boards = np.where(masks >> cell & 1, boards | np.uint64(15 << (60 - 4 * cell)), boards)
    again, mask_again = encode(decode(boards, masks))
    np.testing.assert_array_equal(again, boards)
    np.testing.assert_array_equal(mask_again, masks)


@settings(deadline=None)
@given(exponents)
def test_scalar_helpers_agree_with_the_arrays(exponents_N16):
    boards, masks = encode(exponents_N16)
    out = np.empty(16, np.uint8)
    for row, (board, mask) in enumerate(zip(boards, masks, strict=True)):
        assert encode_row(exponents_N16[row]) == (board, mask)
        decode_into(board, mask, out)
        assert out.tolist() == [exponent(board, mask, cell) for cell in range(16)]
        np.testing.assert_array_equal(out, decode(boards, masks)[row])


def test_boards_that_are_not_contiguous_are_packed_alike():
    wide = np.arange(64, dtype=np.uint8).reshape(2, 32) % 16
    np.testing.assert_array_equal(encode(wide[:, ::2])[0], encode(wide[:, ::2].copy())[0])


def test_legality_bits_spread_to_columns_udlr():
    table = np.load(FIXTURES / "01_legal_mask_udlr_for_bits_0_15.npy")
    legal = legal_from_bits(np.arange(16, dtype=np.uint8))
    assert legal.dtype == np.bool_
    np.testing.assert_array_equal(legal, table)
    np.testing.assert_array_equal(legal_from_bits(np.array([0xF0], np.uint8)), [[False] * 4])
