"""The recorded pool: rows that follow from each other, true scores, one set of bytes for any history."""

from itertools import chain, pairwise

import numpy as np
import oracle2048 as oracle
import pytest
from policies import hashed

from railyard.board.game.games import END_REASONS, MODEL_LOST, NO_MOVE_CHOSEN, UNFINISHED
from railyard.board.game.play import Play, Table
from railyard.board.game.players import PolicyPlayer
from railyard.board.game.strategy import Argmax
from railyard.board.packs import recording as recordings
from railyard.board.packs.metadata import Run, read_ends
from railyard.board.packs.recording import recording
from railyard.board.packs.selfplay import SelfplayPool, missing_rows
from railyard.core.errors import UserError
from railyard.core.store import durable

ORIGIN = {"kind": "selfplay", "played": {"seed": 3}}
GAMES = 12


def some_say_nothing(exponents_B16):
    """A policy that has no number for boards of one kind, so that some games do not end by the rules."""
    answer = hashed(exponents_B16)
    answer.heads[(exponents_B16[:, 0] == 5) & (exponents_B16[:, 5] == 1)] = np.nan
    return answer


@pytest.fixture(scope="module")
def games():
    player = PolicyPlayer(some_say_nothing, Argmax(), 16)
    found = list(chain.from_iterable(Play(player, Table(GAMES, seed=3, places=5))))
    assert 0 < sum(game.ended in UNFINISHED for game in found) < GAMES
    return found


def runs(games):
    for game in games:
        run = Run(game.number, game.seed, len(game.moves_T), game.score, 1 << game.highest)
        yield run, END_REASONS[game.ended]


def record(games, out, width=3, upto=None, shard_rows=400):
    """Records in small stretches; with `upto` it is stopped after so many games."""
    with recording(out, ORIGIN, width, shard_rows) as recorder:
        given = [] if recorder is None else games[recorder.next :]
        for game in given:
            recorder.add([game])
            if game.number == upto:
                raise KeyboardInterrupt
        if recorder:
            recorder.publish(lambda: runs(games))


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


@pytest.fixture
def pool(games, tmp_path):
    record(games, tmp_path / "pool")
    return SelfplayPool.open(tmp_path / "pool")


def test_the_pool_holds_the_finished_games_in_their_order(pool, games):
    finished = [game for game in games if game.ended not in UNFINISHED]
    assert pool.runs.id.tolist() == [game.number for game in finished]
    assert pool.runs.max_score.tolist() == [game.score for game in finished]
    assert pool.runs.seed.tolist() == [game.seed for game in finished]
    assert not missing_rows(pool).any()
    rows = pool.rows.gather(np.arange(len(pool)))
    assert rows["run_id"].tolist() == [game.number for game in finished for _ in game.moves_T]
    assert rows["step_idx"].tolist() == [step for game in finished for step in range(len(game.moves_T))]
    assert [path.name for path in pool.rows.paths[:2]] == ["steps-000001.npy", "steps-000002.npy"]
    assert read_ends(pool.path / "metadata.db") == {game.number: "no legal move" for game in finished}
    durable.check_manifest(pool.path)


def test_every_row_follows_from_the_one_before(pool, games):
    """Re-checked by the rules alone: one move, one new tile; the score is the sum of merges."""
    rows = pool.rows.gather(np.arange(len(pool)))
    for run, score in zip(pool.runs.id, pool.runs.max_score, strict=True):
        boards = [tuple(map(int, board)) for board in rows["exps"][rows["run_id"] == run]]
        assert sorted(boards[0])[-3:][0] == 0  # two tiles
        total = 0
        for before, after in pairwise(boards):
            rewards = [gain for moved, gain in oracle.moves(before) if moved != before and is_spawned(moved, after)]
            assert len(set(rewards)) == 1
            total += rewards[0]
        last = [gain for moved, gain in oracle.moves(boards[-1]) if moved != boards[-1]]
        assert score - total in last


def is_spawned(moved, after):
    changed = [(old, new) for old, new in zip(moved, after, strict=True) if old != new]
    return len(changed) == 1 and changed[0] in ((0, 1), (0, 2))


def test_embeddings_are_those_of_the_boards(pool):
    rows, values = pool.rows.gather(np.arange(len(pool))), pool.embeddings.gather(np.arange(len(pool)))
    np.testing.assert_array_equal(values, some_say_nothing(rows["exps"]).embeddings_BD)


def test_unfinished_games_lie_in_a_pool_of_their_own(pool, games):
    other = SelfplayPool.open(pool.path.with_name("pool.unfinished"))
    assert other.runs.id.tolist() == [game.number for game in games if game.ended == NO_MOVE_CHOSEN]
    assert not missing_rows(other).any()
    assert set(read_ends(other.path / "metadata.db").values()) == {"no move chosen"}


@pytest.mark.parametrize("batch", [1, 300])
@pytest.mark.parametrize("stops", [(0,), (4, 5, 9), (11,)])
def test_a_stopped_recording_ends_with_the_same_bytes(games, pool, tmp_path, monkeypatch, batch, stops):
    monkeypatch.setattr(recordings, "BATCH_ROWS", batch)
    monkeypatch.setattr("railyard.core.making.streams.COMMIT_SECONDS", 0.0)
    again = tmp_path / "again"
    for stop in stops:
        with pytest.raises(KeyboardInterrupt):
            record(games, again, upto=stop)
    record(games, again)
    assert content(again) == content(pool.path)
    assert content(tmp_path / "again.unfinished") == content(tmp_path / "pool.unfinished")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["again", "again.unfinished", "pool", "pool.unfinished"]


def test_games_that_are_given_again_are_not_recorded_twice(games, pool, tmp_path):
    out = tmp_path / "again"
    with pytest.raises(KeyboardInterrupt):
        record(games, out, upto=7)
    with recording(out, ORIGIN, 3, 400) as recorder:
        recorder.add(games)
        recorder.publish(lambda: runs(games))
    assert content(out) == content(pool.path)


def test_the_same_pool_is_left_alone(games, pool):
    before = content(pool.path)
    record([], pool.path)
    assert content(pool.path) == before


def test_from_a_lost_model_on_nothing_is_recorded(games, tmp_path):
    lost = [game._replace(ended=MODEL_LOST) if game.number == 5 else game for game in games]
    with recording(tmp_path / "other", {"kind": "other"}, 3, 400) as recorder:
        recorder.add(lost[:3])
        recorder.add(lost[3:])
        recorder.write()
        assert recorder.next == 5
    with pytest.raises(KeyboardInterrupt):
        record(lost, tmp_path / "pool", upto=8)
    record(games, tmp_path / "pool")
    assert len(SelfplayPool.open(tmp_path / "pool").runs) == sum(game.ended not in UNFINISHED for game in games)


@pytest.mark.parametrize("name", ["pool", "pool.unfinished"])
def test_an_occupied_place_is_refused(games, tmp_path, name):
    (tmp_path / name).mkdir()
    (tmp_path / name / "thesis.txt").write_text("")
    with pytest.raises(UserError, match="exists and is not the pool of these games: choose another out="):
        record(games, tmp_path / "pool")


def test_a_pool_without_a_game_is_none(games, tmp_path):
    finished = [game for game in games if game.ended not in UNFINISHED]
    record(finished, tmp_path / "pool", width=3)
    assert [path.name for path in tmp_path.iterdir()] == ["pool"]
