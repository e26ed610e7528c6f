import numpy as np
import pytest

from railyard.board.game.boards import encode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.searcher import branch_evs
from railyard.board.packs.metadata import Run, read_ends, runs_writer
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import SELFPLAY
from railyard.board.teaching import relabel as relabeling
from railyard.board.teaching.relabel import relabel
from railyard.board.teaching.teach import TeachPlan, teach
from railyard.core.errors import UserError
from railyard.core.making import streams

EXTRA = [("step_index", "<u4"), ("tile_65536_mask", "<u2")]
NO_TABLES = EndgameTables.none()


@pytest.fixture(scope="module")
def taught(tmp_path_factory):
    out = tmp_path_factory.mktemp("taught") / "pack"
    teach(out, TeachPlan(games=4, depth=1, max_moves=120), NO_TABLES)
    return out


def rows_of(path):
    pack = Pack.open(path)
    return pack, pack.rows.gather(np.arange(len(pack)))


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_rows_get_the_values_and_moves_of_the_new_depth(taught, tmp_path):
    counts = relabel(taught, tmp_path / "deep", 2, NO_TABLES)
    (old, before), (new, after) = rows_of(taught), rows_of(tmp_path / "deep")
    evs_N4 = branch_evs(before["board"], before["tile_65536_mask"], 2)
    assert np.array_equal(after["branch_evs"], evs_N4)
    for name in ("run_id", "step_index", "board", "tile_65536_mask", "seed", "ev_legal", "max_rank", "board_eval"):
        assert np.array_equal(after[name], before[name]), name
    legal_N4 = before["ev_legal"][:, None] >> np.arange(4) & 1 == 1
    assert np.array_equal(after["move_dir"], np.where(legal_N4, evs_N4, -np.inf).argmax(axis=1))
    assert 0 < counts["moves_kept"] == (after["move_dir"] == before["move_dir"]).sum() < len(before)
    assert np.array_equal(new.runs.max_score, old.runs.max_score)


def test_the_teachers_own_depth_changes_nothing(taught, tmp_path):
    relabel(taught, tmp_path / "same", 1, NO_TABLES)
    assert (tmp_path / "same" / "steps.npy").read_bytes() == (taught / "steps.npy").read_bytes()


def test_an_interrupted_call_goes_on_to_the_same_bytes_on_any_threads(taught, tmp_path, monkeypatch):
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)
    monkeypatch.setattr(relabeling, "CHUNK", 100)
    relabel(taught, tmp_path / "whole", 2, NO_TABLES, shard_rows=130)

    def stop(done, rows):
        if done == 200:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        relabel(taught, tmp_path / "pack", 2, NO_TABLES, 2, 130, stop)
    relabel(taught, tmp_path / "pack", 2, NO_TABLES, 3, 130)
    assert files(tmp_path / "pack") == files(tmp_path / "whole")
    assert relabel(taught, tmp_path / "pack", 2, NO_TABLES, 3, 130)["already_there"]
    with pytest.raises(UserError, match="exists and is not this pack with these labels"):
        relabel(taught, tmp_path / "pack", 3, NO_TABLES)


def pool(folder, exps, runs, seeds, ends=(), longer=()):
    """A pool of these rows; `longer` runs have one more row by its metadata."""
    folder.mkdir()
    rows = np.zeros(len(exps), SELFPLAY)
    rows["exps"], rows["run_id"] = exps, runs
    for run in set(runs):
        mine = rows["run_id"] == run
        rows["step_idx"][mine] = np.arange(mine.sum())
    np.save(folder / "steps-000001.npy", rows)
    with runs_writer(folder / "metadata.db") as writer:
        for run, seed in seeds.items():
            writer.add(Run(run, seed, runs.count(run) + (run in longer), 100 * run, 64), dict(ends).get(run))
    return folder


def test_a_self_play_pool_becomes_a_pack_its_games_sorted_apart(tmp_path):
    exps = np.random.default_rng(2).integers(0, 4, (6, 16)).astype(np.uint8)
    exps[0, :2], exps[1:, 15] = 16, 0
    exps[:, 0] = 0
    source = pool(tmp_path / "pool", exps, [7, 3, 7, 3, 7, 7], {3: 2**63 + 5, 5: 1, 7: 9})
    relabel(source, tmp_path / "pack", 1, NO_TABLES)
    pack, rows = rows_of(tmp_path / "pack")
    assert rows["run_id"].tolist() == [0, 0, 1, 1, 1, 1]
    assert rows["step_index"].tolist() == [0, 1, 0, 1, 2, 3]
    assert rows["seed"].tolist() == [5, 5, 9, 9, 9, 9]
    boards_N, masks_N = encode(exps[[1, 3, 0, 2, 4, 5]])
    assert np.array_equal(rows["board"], boards_N)
    assert np.array_equal(rows["tile_65536_mask"], masks_N)
    assert (pack.runs.seed.tolist(), pack.runs.max_score.tolist()) == ([2**63 + 5, 9], [300, 700])


def test_why_the_games_of_a_pool_ended_comes_along(tmp_path):
    exps, ends = np.eye(4, 16, dtype=np.uint8), {3: "max_moves reached", 5: "no legal move"}
    source = pool(tmp_path / "pool", exps, [3, 5, 5, 9], dict.fromkeys((3, 5, 9), 1), ends, longer=[9])
    relabel(source, tmp_path / "pack", 1, NO_TABLES)
    assert read_ends(tmp_path / "pack" / "metadata.db") == {
        0: "max_moves reached",
        1: "no legal move",
        2: "the last rows are missing",
    }


def test_boards_without_a_move_unknown_runs_and_other_layouts_are_refused(tmp_path):
    dead = np.array([[1, 2] * 2 + [2, 1] * 2 + [1, 2] * 2 + [2, 1] * 2], np.uint8)
    with pytest.raises(UserError, match=r"row 0 is a board without a legal move"):
        relabel(pool(tmp_path / "dead", dead, [1], {1: 1}), tmp_path / "x", 1, NO_TABLES)
    with pytest.raises(UserError, match=r"has rows of run 4, which metadata.db does not know"):
        relabel(pool(tmp_path / "lost", dead, [4], {1: 1}), tmp_path / "x", 1, NO_TABLES)
    (tmp_path / "old").mkdir()
    np.save(tmp_path / "old" / "steps.npy", np.zeros(2, [("board", "<u8"), ("ev_values", "<f4", (4,)), ("move", "u1")]))
    with pytest.raises(UserError, match=r"older single-file layout"):
        relabel(tmp_path / "old", tmp_path / "x", 1, NO_TABLES)
    with pytest.raises(UserError, match=r"no pack at .*nowhere"):
        relabel(tmp_path / "nowhere", tmp_path / "x", 1, NO_TABLES)


def test_a_pack_of_another_schema_is_named(taught, tmp_path):
    (tmp_path / "other").mkdir()
    np.save(tmp_path / "other" / "steps.npy", np.zeros(2, [("run_id", "<u4"), ("board", "<u8"), *EXTRA]))
    (tmp_path / "other" / "metadata.db").write_bytes((taught / "metadata.db").read_bytes())
    with pytest.raises(UserError, match=r"steps\.npy has 'board' as field 2, expected 'step_index'"):
        relabel(tmp_path / "other", tmp_path / "x", 1, NO_TABLES)
