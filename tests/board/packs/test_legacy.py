import numpy as np
import pytest

from railyard.board.game.boards import encode
from railyard.board.game.heuristic import evaluate
from railyard.board.packs.legacy import LegacyPack
from railyard.board.packs.schema import STEP
from railyard.core.errors import UserError

WORKED = np.array([[6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0], [0] * 15 + [9]], np.uint8)


def write(folder, evs="branch_evs", move="move_dir", **more):
    folder.mkdir(exist_ok=True)
    rows = np.zeros(2, [("board", "<u8"), (evs, "<f4", (4,)), (move, "u1"), *((name, "<u4") for name in more)])
    rows["board"] = encode(WORKED)[0]
    rows[evs] = [[0, 0.25, 0.5, 1], [1, 0, 0, 0]]
    rows[move] = [3, 0]
    for name, values in more.items():
        rows[name] = values
    np.save(folder / "steps.npy", rows)
    return folder


@pytest.mark.parametrize("evs", ["branch_evs", "ev_values"])
@pytest.mark.parametrize("move", ["move_dir", "move"])
def test_both_spellings_are_handed_out_as_step_rows(tmp_path, evs, move):
    pack = LegacyPack.open(write(tmp_path, evs, move))
    rows = pack.gather(np.array([1, 0]))
    assert (len(pack), rows.dtype, pack.valuation_names) == (2, STEP, ("normalised",))
    assert rows["move_dir"].tolist() == [0, 3]
    assert rows["branch_evs"][1].tolist() == [0, 0.25, 0.5, 1]
    assert rows["tile_65536_mask"].tolist() == [0, 0]


def test_absent_columns_come_from_the_board(tmp_path):
    rows = LegacyPack.open(write(tmp_path) / "steps.npy").gather(np.arange(2))
    boards, masks = encode(WORKED)
    assert rows["board_eval"].tolist() == evaluate(boards, masks).tolist() == [2376, rows["board_eval"][1]]
    assert rows["ev_legal"].tolist() == [14, 1 | 4]
    assert rows["max_rank"].tolist() == [6, 9]
    assert rows["run_id"].tolist() == rows["valuation_type"].tolist() == [0, 0]


def test_present_columns_are_kept(tmp_path):
    rows = LegacyPack.open(write(tmp_path, run_id=[5, 6], ev_legal=[3, 4], valuation_type=[2, 2])).gather(np.arange(2))
    assert (rows["run_id"].tolist(), rows["ev_legal"].tolist()) == ([5, 6], [3, 4])
    assert rows["valuation_type"].tolist() == [0, 0]  # the name of these EVs is the pack's own


def test_rows_outside_are_refused(tmp_path):
    with pytest.raises(IndexError):
        LegacyPack.open(write(tmp_path)).gather(np.array([2]))


@pytest.mark.parametrize(
    ("dtype", "sentence"),
    [
        (
            [("board", "<u8"), ("move", "u1")],
            "has the columns board, move; a legacy pack needs branch_evs or ev_values",
        ),
        ([("board", "<u8"), ("ev_values", "<f4", (4,))], "a legacy pack needs move_dir or move"),
        ([("ev_values", "<f4", (4,)), ("move", "u1")], "a legacy pack needs board"),
        ([("board", "u1", (16,)), ("ev_values", "<f4", (4,)), ("move", "u1")], r"has board of shape \(16,\), expected"),
        ("<u8", r"holds uint64 of shape \(2,\), expected rows with named columns"),
    ],
)
def test_columns_that_do_not_do_are_named(tmp_path, dtype, sentence):
    np.save(tmp_path / "steps.npy", np.zeros(2, dtype))
    with pytest.raises(UserError, match=rf"steps\.npy .*{sentence}"):
        LegacyPack.open(tmp_path)


def test_files_that_cannot_be_read_are_refused(tmp_path):
    with pytest.raises(UserError, match=r"there is no .*steps\.npy"):
        LegacyPack.open(tmp_path)
    (tmp_path / "steps.npy").write_bytes(b"nothing")
    with pytest.raises(UserError, match=r"steps\.npy is not a readable"):
        LegacyPack.open(tmp_path)
    np.save(tmp_path / "steps.npy", np.array([{}]), allow_pickle=True)
    with pytest.raises(UserError, match=r"steps\.npy is not a readable"):
        LegacyPack.open(tmp_path)
    whole = (write(tmp_path) / "steps.npy").read_bytes()
    (tmp_path / "steps.npy").write_bytes(whole.replace(b"(2,), }" + b" " * 18, b"(99999999999999999999,), }"))
    with pytest.raises(UserError, match=r"steps\.npy is not a readable"):
        LegacyPack.open(tmp_path)
