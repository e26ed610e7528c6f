"""The fused batch against its parts, one after the other: gather, decode, tokenize, legality."""

import pickle
import shutil
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.game import boards, rules
from railyard.board.packs.pack import Pack
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.training.batch import Batch
from railyard.board.training.collate import Collate
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
TOKENIZER = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json")
PACK = Pack.open(FIXTURES / "03_pack")


def part_by_part(pack, rows):
    records = pack.rows.gather(rows)
    return Batch(
        tokens=boards.decode(records["board"], records["tile_65536_mask"]),
        targets=TOKENIZER.encode(records, pack.valuation_names),
        moves=records["move_dir"],
        legal=rules.legal_moves(records["board"], records["tile_65536_mask"]),
        valuation=records["valuation_type"],
        max_rank=records["max_rank"],
        values=np.empty((len(rows), 0), np.uint8),
        mix=np.zeros(len(rows), np.uint8),
    )


def assert_same(batch, expected):
    for name, found, wanted in zip(Batch._fields, batch, expected, strict=True):
        assert found.dtype == np.uint8
        np.testing.assert_array_equal(found, wanted, err_msg=name)


@pytest.fixture
def spoiled_pack(tmp_path):
    """A copy of the pack, and a function that rewrites one of its rows."""
    folder = Path(shutil.copytree(FIXTURES / "03_pack", tmp_path / "pack"))

    def spoil(row, **fields):
        first = 300 * (row // 300)
        path = folder / f"steps-{row // 300:05}.npy"
        rows = np.load(path)
        for name, value in fields.items():
            rows[name][row - first] = value
        path.chmod(0o644)
        np.save(path, rows)
        return Pack.open(folder)

    return spoil


@settings(max_examples=50, deadline=None)
@given(st.lists(st.integers(0, len(PACK) - 1), max_size=100))
def test_a_batch_is_its_parts(rows):
    rows = np.array(rows, np.int64)
    assert_same(Collate([PACK], TOKENIZER)(rows), part_by_part(PACK, rows))


def test_every_row_of_every_shard():
    rows = np.arange(len(PACK))[::-1]  # not contiguous, and across both borders of shards
    assert_same(Collate([PACK], TOKENIZER)(rows), part_by_part(PACK, rows))


def test_tiles_beyond_32768(spoiled_pack):
    board, mask = boards.encode(np.array([[16, 16, 15, 15] + [17, 15, 16, 1] * 3], np.uint8))
    pack = spoiled_pack(400, board=board[0], tile_65536_mask=mask[0])
    batch = Collate([pack], TOKENIZER)(np.array([399, 400, 401]))
    assert batch.tokens[1].tolist() == [16, 16, 15, 15] + [16, 15, 16, 1] * 3
    assert_same(batch, part_by_part(pack, np.array([399, 400, 401])))


def test_rows_are_numbered_on_from_pack_to_pack(spoiled_pack):
    second = spoiled_pack(299, max_rank=17)  # the last row of its first shard
    collate = pickle.loads(pickle.dumps(Collate([PACK, second], TOKENIZER)))  # noqa: S301
    rows = np.array([654 + 299, 299, 653, 654, 0, 654 + 653])
    of_first, of_second = part_by_part(PACK, np.array([299, 653, 0])), part_by_part(second, np.array([299, 0, 653]))
    order = [3, 0, 1, 4, 2, 5]
    assert_same(collate(rows), Batch(*(np.concatenate(pair)[order] for pair in zip(of_first, of_second, strict=True))))
    with pytest.raises(IndexError, match=r"row 1308 is outside \[0, 1308\)"):
        collate(np.array([1308]))


def test_a_row_of_another_pack_is_told_by_its_own_number(spoiled_pack):
    with pytest.raises(UserError, match=r"row 350 of .*pack has the move 5"):
        Collate([PACK, spoiled_pack(350, move_dir=5)], TOKENIZER)(np.arange(654 + 310, 654 + 400))


def test_a_copy_in_another_process_reads_its_own_maps():
    copy = pickle.loads(pickle.dumps(Collate([PACK], TOKENIZER)))  # noqa: S301
    rows = np.array([653, 0, 300])
    assert_same(copy(rows), part_by_part(PACK, rows))


@pytest.mark.parametrize("row", [-1, -(2**40), len(PACK), 2**62])
def test_a_row_that_is_not_there(row):
    with pytest.raises(IndexError, match=rf"row {row} is outside \[0, 654\)"):
        Collate([PACK], TOKENIZER)(np.array([*range(40), row]))


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"move_dir": 5}, r"row 350 of .*pack has the move 5"),
        ({"ev_legal": 0}, r"row 350 of .*pack has the move \d, illegal by its ev_legal=0"),
        ({"branch_evs": np.nan}, r"row 350 of .*pack has the values"),
        ({"valuation_type": 7}, r"row 350 of .*pack has the valuation type 7"),
    ],
)
def test_a_row_that_cannot_be_tokenized(spoiled_pack, fields, message):
    pack = spoiled_pack(350, **fields)
    with pytest.raises(UserError, match=message):
        Collate([pack], TOKENIZER)(np.arange(310, 400))
