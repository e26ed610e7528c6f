import logging
import shutil
import threading
from dataclasses import replace

import numpy as np
import pytest

from railyard.board.game.endgame.tables import EndgameTables, build
from railyard.board.game.teacher import Game
from railyard.board.packs.describe import describe
from railyard.board.packs.metadata import read_ends
from railyard.board.packs.pack import Pack
from railyard.board.teaching import teach as module
from railyard.board.teaching.config import Relabel, Teach
from railyard.board.teaching.teach import TeachPlan, teach
from railyard.board.tokens.fit import fit
from railyard.core.errors import UserError
from railyard.core.making import streams
from railyard.core.making.parts import Part

NO_TABLES = EndgameTables.none()
PLAN = TeachPlan(games=5, depth=1, seed=11, max_moves=400, shard_rows=700)


@pytest.fixture(scope="module")
def tiny(tmp_path_factory):
    folder = tmp_path_factory.mktemp("endgame") / "tiny"
    build(folder, "tiny", threads=2)
    return EndgameTables.open(folder)


@pytest.fixture(scope="module")
def taught(tmp_path_factory, tiny):
    out = tmp_path_factory.mktemp("taught") / "pack"
    teach(out, PLAN, tiny)
    return out


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_the_pack_is_one_that_everything_reads(taught):
    pack = Pack.open(taught)
    rows = pack.rows.gather(np.arange(len(pack)))
    assert pack.valuation_names == ("search", "tuple11", "tuple10", "table11", "table10")
    assert pack.runs.seed.tolist() == [11, 12, 13, 14, 15]
    assert (rows["seed"] == 11 + rows["run_id"]).all()
    assert (rows["max_rank"] > 0).all()
    described = describe(pack)
    assert described["legality"]["rows_as_on_board"] == 1.0
    assert sum(described["ended"].values()) == 5
    assert described["integrity"] == "every file is as the manifest says"
    assert described["valuation_types"]["table11"] > 0
    ends = read_ends(taught / "metadata.db")
    assert [ends[run] == "max_moves reached" for run in range(5)] == (pack.runs.steps == 400).tolist()


def test_its_rows_can_be_tokenized_tables_and_all(taught, caplog):
    tokenizer = fit(Pack.open(taught), bins=8)
    assert tokenizer.own_tables == ("table11",)
    pack = Pack.open(taught)
    rows = pack.rows.gather(np.arange(len(pack)))
    tokens = tokenizer.encode(rows, pack.valuation_names)
    assert (tokens[np.arange(len(rows)), rows["move_dir"]] == tokenizer.num_classes - 1).all()
    assert "tuple11 has 0 moves to fit 8 bins to" in caplog.text


@pytest.mark.parametrize("workers", [2, 7])
def test_any_number_of_threads_gives_the_same_bytes(taught, tiny, tmp_path, workers):
    teach(tmp_path / "pack", PLAN, tiny, workers)
    assert files(tmp_path / "pack") == files(taught)


@pytest.mark.parametrize(("count", "order"), [(2, (1, 0)), (7, (3, 0, 6, 5, 1, 2, 4))])
def test_parts_in_any_order_are_joined_to_the_same_bytes_by_the_last(taught, tiny, tmp_path, count, order):
    out = tmp_path / "pack"
    for number, index in enumerate(order):
        missing = [f"{rest}/{count}" for rest in sorted(order[number + 1 :]) if Part(rest, count).of(PLAN.games)]
        for _ in range(2):  # a second time nothing is played
            counts = teach(out, PLAN, tiny, part=Part(index, count))
            assert counts.get("missing_parts", []) == missing
    assert files(out) == files(taught)
    assert [path.name for path in tmp_path.iterdir()] == ["pack"]


def test_an_interrupted_teacher_goes_on_to_the_same_bytes(taught, tiny, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)
    caplog.set_level(logging.INFO)
    begun = threading.active_count()

    def stop(done, games, moves):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(tmp_path / "pack", PLAN, tiny, 2, progress=stop)
    assert threading.active_count() == begun
    assert not (tmp_path / "pack").exists()
    teach(tmp_path / "pack", PLAN, tiny, 2)
    assert "2 records, " in caplog.text
    assert files(tmp_path / "pack") == files(taught)


def test_the_same_games_are_not_played_again_and_others_not_written_over(taught, tiny):
    assert teach(taught, PLAN, tiny)["already_there"]
    others = ((4, 1, 11, 400, 700), (6, 2, 11, 400, 700), (6, 1, 12, 400, 700), (6, 1, 11, 401, 700))
    for plan, tables in (*((TeachPlan(*keys), tiny) for keys in others), (PLAN, NO_TABLES)):
        with pytest.raises(UserError, match="exists and is not these games: choose another out="):
            teach(taught, plan, tables)


@pytest.mark.parametrize("parts", [(0,), (1, 0)], ids=["whole", "in two parts"])
def test_a_finished_pack_is_extended_by_a_longer_call(taught, tiny, tmp_path, parts, monkeypatch, caplog):
    caplog.set_level(logging.INFO)
    longer = replace(PLAN, games=7)
    teach(tmp_path / "afresh", longer, tiny)
    out = shutil.copytree(taught, tmp_path / "pack")
    played = []
    monkeypatch.setattr(module, "Game", lambda seed, most: played.append(seed) or Game(seed, most))
    for index in parts:
        assert files(out) == files(taught), "it stays until the longer one is complete"
        teach(out, longer, tiny, part=Part(index, len(parts)))
    assert sorted(map(int, played)) == [16, 17]
    assert files(out) == files(tmp_path / "afresh")
    assert sorted(path.name for path in tmp_path.iterdir()) == ["afresh", "pack"]
    assert "is extended: its 5 games are taken over" in caplog.text


def test_a_damaged_pack_is_not_extended(taught, tiny, tmp_path):
    out = shutil.copytree(taught, tmp_path / "pack")
    (out / "valuation_types.json").write_text("{}")
    with pytest.raises(UserError, match=r"valuation_types.json differs from manifest"):
        teach(out, replace(PLAN, games=7), tiny)


def test_work_that_was_begun_with_other_options_is_kept_and_named(tiny, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(streams, "COMMIT_SECONDS", 0)

    def stop(done, games, moves):
        if done == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        teach(tmp_path / "pack", PLAN, tiny, progress=stop)
    (begun,) = (tmp_path / ".pack.partial").iterdir()
    teach(tmp_path / "pack", replace(PLAN, depth=2, max_moves=3), tiny)
    assert begun.is_dir()
    assert f"kept, as it was begun with other data or options, or by another version: {begun}" in caplog.text


def test_other_plans_are_other_games_and_more_games_begin_with_fewer(taught, tiny, tmp_path):
    teach(tmp_path / "more", TeachPlan(6, 1, 10, 400), tiny)
    more, pack = Pack.open(tmp_path / "more"), Pack.open(taught)
    assert np.array_equal(more.runs.max_score[1:], pack.runs.max_score)
    assert len(set(more.runs.max_score.tolist())) > 1


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"games": 0}, "greater than or equal to 1"),
        ({"depth": 9}, "less than or equal to 8"),
        ({"depth": 0}, "greater than or equal to 1"),
        ({"part": "3/2"}, "expected one of 0/2 to 1/2, got 3/2"),
    ],
)
def test_what_cannot_be_taught_is_refused(tmp_path, keys, message):
    with pytest.raises(ValueError, match=message):
        Teach(**{"out": tmp_path / "x", "games": 1, **keys})


def test_missing_tables_are_named(tmp_path):
    for verb in (
        Teach(out=tmp_path / "x", games=1, tables=tmp_path / "no"),
        Relabel(pack=tmp_path, out=tmp_path / "x", tables=tmp_path / "no"),
    ):
        with pytest.raises(UserError, match=r"no endgame tables at .*no: make them with railyard tables"):
            verb.run()
