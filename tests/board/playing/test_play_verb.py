"""`railyard play` from the command line: games, figures, resume, one sentence for each mistake."""

import json
import shutil
from pathlib import Path

import numpy as np
import pytest

from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.teacher import Game, Teacher
from railyard.board.playing import job as jobs
from railyard.core.runs import run_state
from railyard.core.store import journal

INITS = Path(__file__).parents[2] / "fixtures" / "board"
BINNED, POLICY = INITS / "08_encoder_binned_gqa", INITS / "08_encoder_action_policy"
SMALL = ("bucket=16", "max_moves=20")


def run_folder(done):
    assert done.code == 0, done.err
    return Path(done.json["report"]).parent


def games(folder):
    return journal.read(folder / "games.jsonl")


def test_random_games(railyard, work):
    done = railyard("play", "player=random", "games=30", "seed=5", "places=4", "json=true")
    folder, found = run_folder(done), done.json
    played = games(folder)
    assert [(game["game_id"], game["seed"]) for game in played] == [(i, 5 + i) for i in range(30)]
    assert found["mean_score"] == np.mean([game["score"] for game in played])
    assert found["moves"] == sum(game["steps"] for game in played)
    assert (found["seeds"], found["ended"]) == ("5 to 34", {"no legal move": 30})
    report = (folder / "report.md").read_text()
    assert f"Mean score **{found['mean_score']:,.0f}**" in report
    assert (folder / "games.png").is_file()
    listed = railyard("runs", "json=true").json["runs"]
    assert (listed[0]["metric"], listed[0]["best"]) == ("mean_score", found["mean_score"])
    assert f"mean_score {found['mean_score']:.4g}" in railyard("runs").out


def test_the_teacher_plays_the_games_of_its_seeds(railyard, no_plots, work):
    done = railyard("play", "player=teacher", "depth=1", "games=4", "places=3", "json=true")
    for number, game in enumerate(games(run_folder(done))):
        alone, teacher = Game(1 + number), Teacher(1, EndgameTables.none())
        while not alone.ended:
            alone.play(teacher, 4096)
        assert (game["score"], game["steps"]) == (alone.score, alone.moves)


@pytest.mark.parametrize("init", [BINNED, POLICY])
def test_a_model_plays_the_same_games_at_any_number_of_places(railyard, no_plots, work, init):
    words = ("play", f"init={init}", "games=9", "strategy=board_softmax", *SMALL, "json=true")
    one, many = (run_folder(railyard(*words, *more)) for more in (["places=1"], ["places=30", "inflight_batches=3"]))
    assert games(one) == games(many)
    assert {game["steps"] for game in games(one)} == {20}


def test_eight_symmetries_play_other_games(railyard, no_plots, work):
    words = ("play", f"init={BINNED}", "games=4", *SMALL, "json=true")
    one, eight = (run_folder(railyard(*words, more)) for more in ("symmetries=1", "symmetries=8"))
    assert games(one) != games(eight)


def interrupt_after(most, patched):
    """Ctrl-C once more moves were made."""
    note = jobs._Speed.note

    def stop(speed, moves, is_last=False):
        if moves > most:
            raise KeyboardInterrupt
        note(speed, moves, is_last)

    patched.setattr(jobs._Speed, "note", stop)


def test_a_stopped_run_goes_on_after_the_games_that_are_done(railyard, no_plots, work, monkeypatch):
    words = ("play", "player=random", "games=20", "places=3", "json=true")
    whole = games(run_folder(railyard(*words)))
    with monkeypatch.context() as patched:
        interrupt_after(600, patched)
        assert railyard(*words, "hydra.run.dir=run").code == 130
    before = len(games(work / "run"))
    assert 0 < before < 20
    begun = []
    monkeypatch.setattr(jobs, "Table", lambda *args, first: begun.append(first) or table(*args, first=first))
    done = railyard("play", "resume=run", "json=true")
    assert (done.code, begun) == (0, [before])
    assert games(work / "run") == whole
    assert done.json["games"] == 20
    again = railyard("play", "resume=run", "json=true").json
    assert {**again, "moves_per_second": done.json["moves_per_second"]} == done.json
    assert "moves_per_second" not in again, "none was made"


table = jobs.Table


def test_a_lost_model_is_told_and_resumed(railyard, no_plots, work, monkeypatch):
    words = ("play", "player=random", "games=12", "places=3", "json=true")
    whole = games(run_folder(railyard(*words)))
    asked = []

    def lost(position):
        asked.append(1)
        if len(asked) > 200:
            raise jobs.ModelLost("the server went away")
        return random(position)

    random = jobs.random_player
    with monkeypatch.context() as patched:
        patched.setattr(jobs, "random_player", lost)
        done = railyard(*words, "hydra.run.dir=run")
    assert (done.code, done.out) == (1, "")
    assert "the server went away; the games before are kept, go on with: railyard play resume=" in done.err
    assert run_state.read(work / "run")["state"] == "failed"
    assert [game["ended"] for game in games(work / "run")].count("the model was lost") == 3
    assert railyard("play", "resume=run").code == 0
    assert games(work / "run") == whole


@pytest.fixture
def no_weights(tmp_path):
    folder = tmp_path / "empty"
    folder.mkdir()
    shutil.copy(BINNED / "config.json", folder)
    return folder


@pytest.fixture
def few_tokens(tmp_path):
    """A model that knows tiles up to 4."""
    from railyard.board.model.encoder import BoardEncoder
    from railyard.board.model.folder import read_config
    from railyard.board.model.init_folder import write_init

    write_init(tmp_path / "few", BoardEncoder(read_config(BINNED).model_copy(update={"input_vocab_size": 3})), None)
    return tmp_path / "few"


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        ([], "give init=FOLDER"),
        (["player=random", f"init={BINNED}"], "leave it out"),
        (["init=nowhere"], "nowhere"),
        (["init=empty"], "holds no weights: give the init folder of a trained model"),
        (["init=few"], "a board holds a tile of 8, exponent 3, but this model knows exponents below 3"),
        ([f"init={POLICY}", "strategy=board_tail_agg"], "weighs bins of one move"),
        ([f"init={POLICY}", "strategy=board_top_score"], "weighs bins of one move"),
        (["player=teacher", "depth=0"], "must be greater than or equal to 1, got 0"),
        (["player=teacher", "tables=nowhere"], "nowhere"),
        (["player=random", "tables=nowhere"], "asks no tables"),
        ([f"init={BINNED}", "symmetries=3"], "symmetries"),
        (["player=random", "symmetries=8"], "is asked no turned boards"),
        ([f"init={BINNED}", "device=cuda:99"], "there is no CUDA device here"),
        ([f"init={BINNED}", "strategy=board_softmax", "strategy.temperature=0"], "strategy.temperature"),
        (["resume=nowhere"], "nowhere"),
        (["resume=train_run"], "is no run of railyard play"),
    ],
)
def test_mistakes(railyard, work, no_weights, few_tokens, words, reason):
    (work / "train_run").mkdir()
    (work / "train_run/config.yaml").write_text("task_name: train\nseed: 1\npaths: {}\n")
    (work / "train_run/provenance.json").write_text(json.dumps({"schema_version": 1}))
    done = railyard("play", *words)
    assert (done.code, done.out) == (2, ""), done.err
    assert reason in done.err


def test_another_call_cannot_go_on_with_a_run(railyard, no_plots, work):
    railyard("play", "player=random", "games=3", "hydra.run.dir=run")
    done = railyard("play", "resume=run", "seed=9")
    assert done.code == 2
    assert "seed may not change on resume" in done.err


def content(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pool_has_the_same_bytes_for_any_number_of_places(railyard, no_plots, work):
    words = ("play", f"init={BINNED}", "games=9", "embeddings=true", *SMALL, "shard_rows=50", "json=true")
    assert railyard(*words, "places=1", "out=one").json["pool"] == "one"
    for places, groups in ((7, 1), (64, 3), (300, 1)):
        out = f"of_{places}"
        assert railyard(*words, f"places={places}", f"inflight_batches={groups}", f"out={out}").code == 0
        assert content(work / "one") == content(work / out), places
    facts = railyard("show", "path=one", "json=true").json
    assert (facts["runs"], facts["embedding_width"], facts["shards"]) == (9, 32, 4)
    assert facts["ended"] == {"max_moves reached": 9}


def test_a_stopped_run_goes_on_with_its_pool(railyard, no_plots, work, monkeypatch):
    words = ("play", "player=random", "games=20", "places=3", "json=true")
    whole = run_folder(railyard(*words, "out=whole"))
    with monkeypatch.context() as patched:
        interrupt_after(900, patched)
        patched.setattr("railyard.board.packs.recording.BATCH_ROWS", 1)
        patched.setattr("railyard.core.making.streams.COMMIT_SECONDS", 0.0)
        assert railyard(*words, "hydra.run.dir=run", "out=pool").code == 130
    assert not (work / "pool").exists()
    done = railyard("play", "resume=run")
    assert done.code == 2
    assert "out=pool of " in done.err
    assert "give that key again" in done.err
    assert not (work / "pool").exists()
    assert railyard("play", "resume=run", "out=pool").code == 0
    assert games(work / "run") == games(whole)
    assert content(work / "pool") == content(work / "whole")


@pytest.mark.parametrize(
    ("words", "reason"),
    [
        (["player=random", "out=full"], "full exists and is not the pool of these games: choose another out="),
        (["player=random", "out=pool", "embeddings=true"], "embeddings: a model makes them"),
        ([f"init={BINNED}", "embeddings=true"], "embeddings: a model makes them"),
    ],
)
def test_mistakes_of_recording(railyard, work, words, reason):
    (work / "full").mkdir()
    (work / "full/thesis.txt").write_text("")
    done = railyard("play", "games=3", *words)
    assert (done.code, done.out) == (2, ""), done.err
    assert reason in done.err


def test_a_full_disk_is_told_and_gone_on_from(railyard, no_plots, work, monkeypatch):
    words = ("play", "player=random", "games=9", "places=3")

    def full(stream, *_):
        raise OSError(28, "No space left on device", "pool")

    with monkeypatch.context() as patched:
        patched.setattr("railyard.core.store.shards.ShardWriter._opened", full)
        done = railyard(*words, "out=pool", "hydra.run.dir=run")
    assert (done.code, done.out) == (1, "")
    assert "free some space and run the command again" in done.err
    assert railyard("play", "resume=run", "out=pool").code == 0
    assert railyard(*words, "out=other").code == 0
    assert content(work / "pool") == content(work / "other")
