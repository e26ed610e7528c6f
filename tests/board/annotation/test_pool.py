import shutil

import numpy as np
import pytest
from pools import as_selfplay, interleaved, write_pool

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.game.boards import decode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.packs.metadata import Run
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import SELFPLAY
from railyard.board.teaching.relabel import relabel
from railyard.core.errors import UserError


def test_a_pack_in_batches(tiny_pack):
    pool, pack = AnnotationPool.open(tiny_pack), Pack.open(tiny_pack)
    assert (pool.kind, len(pool), pool.fingerprint()) == ("macroxue", 1200, pack.fingerprint())
    rows = pack.rows.gather(np.arange(395, 405))
    batch = pool.batch(395, 10)
    assert batch.runs_B.tolist() == rows["run_id"].tolist()
    assert batch.steps_B.tolist() == rows["step_index"].tolist()
    assert batch.exponents_B16.tolist() == decode(rows["board"], rows["tile_65536_mask"]).tolist()
    assert batch.legal_B.tolist() == batch.stored_legal_B.tolist() == rows["ev_legal"].tolist()
    assert batch.played_B.tolist() == batch.teacher_B.tolist() == rows["move_dir"].tolist()
    assert batch.evs_B4.tolist() == rows["branch_evs"].tolist()
    searched = [pack.valuation_names[kind] == "search" for kind in rows["valuation_type"]]
    assert batch.is_search_B.tolist() == searched


@pytest.mark.parametrize("order", [np.arange(1200), "interleaved"])
@pytest.mark.parametrize("size", [17, 400, 1200])
def test_moves_of_self_play_are_recovered(tiny_pack, tmp_path, order, size):
    rows, runs, moves = as_selfplay(Pack.open(tiny_pack), ids=lambda run: run + 2**33)
    order = interleaved(rows) if isinstance(order, str) else order
    pool = AnnotationPool.open(write_pool(tmp_path / "pool", rows[order], runs, shard_rows=500))
    batches = [pool.batch(first, min(size, 1200 - first)) for first in range(0, 1200, size)]
    played, moves = np.concatenate([batch.played_B for batch in batches]), moves[order]
    last = np.isin(rows["step_idx"][order], 399)
    assert (played[last] == 255).all()
    known = played != 255
    assert known[~last].mean() > 0.98
    assert (played[known] == moves[known]).all()
    assert all((batch.teacher_B == 255).all() and not batch.stored_legal_B.any() for batch in batches)
    assert np.concatenate([batch.runs_B for batch in batches]).tolist() == rows["run_id"][order].tolist()


def test_moves_played_of_a_relabelled_pack_are_not_its_labels(tiny_pack, tmp_path):
    relabel(tiny_pack, tmp_path / "deeper", 1, EndgameTables.none())
    old, batch = AnnotationPool.open(tiny_pack).batch(0, 1200), AnnotationPool.open(tmp_path / "deeper").batch(0, 1200)
    known = batch.played_B != 255
    assert known.mean() > 0.98
    assert (batch.played_B[known] == old.played_B[known]).all()
    assert (batch.teacher_B != old.teacher_B).any()


def test_a_legacy_pack_is_refused(tmp_path):
    np.save(tmp_path / "steps.npy", np.zeros(3, [("board", "<u8"), ("move", "u1"), ("ev_values", "<f4", (4,))]))
    with pytest.raises(UserError, match="a pack of the older single-file layout"):
        AnnotationPool.open(tmp_path)


def test_run_ids_that_collide_are_refused(tmp_path):
    rows = np.zeros(2, SELFPLAY)
    rows["run_id"] = [5, 5 + 2**32]
    write_pool(tmp_path / "pool", rows, [Run(5, 1, 1, 1, 4), Run(5 + 2**32, 1, 1, 1, 4)])
    with pytest.raises(UserError, match="runs 5 and 4294967301, which are one in the 32 bits"):
        AnnotationPool.open(tmp_path / "pool")


def test_a_missing_shard_and_nothing_at_all(tiny_pack, tmp_path):
    with pytest.raises(UserError, match="no pack at"):
        AnnotationPool.open(tmp_path / "nowhere")
    copy = shutil.copytree(tiny_pack, tmp_path / "copy")
    next(copy.glob("steps*.npy")).unlink()
    with pytest.raises(UserError, match="holds neither"):
        AnnotationPool.open(copy)


def test_damaged_rows_are_named(tiny_pack, tmp_path):
    copy = shutil.copytree(tiny_pack, tmp_path / "copy")
    path = next(copy.glob("steps*.npy"))
    rows = np.load(path)
    rows["move_dir"][7] = 9
    np.save(path, rows)
    with pytest.raises(UserError, match=r"steps\S*.npy: row 7 of the pool holds the move 9, there are 4; the file is"):
        AnnotationPool.open(copy).batch(0, 100)
    found = np.zeros(2, SELFPLAY)
    found["exps"][1, 5] = 99
    pool = write_pool(tmp_path / "pool", found, [Run(0, 1, 2, 1, 4)])
    with pytest.raises(UserError, match="row 1 of the pool holds the exponent 99 in cell 5"):
        AnnotationPool.open(pool).batch(0, 2)


def test_stored_legality_is_kept_beside_that_of_the_board(fixtures):
    batch = AnnotationPool.open(fixtures / "03_pack").batch(0, 654)
    assert (batch.legal_B != batch.stored_legal_B).any()
