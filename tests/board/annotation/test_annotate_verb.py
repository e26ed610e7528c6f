"""`railyard annotate` from the command line, with a model of torch."""

import shutil
from pathlib import Path

import numpy as np
import pytest
import torch
from annotators import digests
from oracle2048 import moves

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.model.answers import Wanted
from railyard.board.model.inference import AnsweringModel
from railyard.board.model.init_folder import read_init
from railyard.board.packs.annotation_session import AnnotationSession

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
POOL, BINNED, POLICY = FIXTURES / "03_pack", FIXTURES / "08_encoder_binned_gqa", FIXTURES / "08_encoder_action_policy"
SMALL = ("bucket=16", "batch_size=64", "json=true")


def annotated(railyard, *words):
    done = railyard("annotate", f"pool={POOL}", *words)
    assert done.code == 0, done.err
    return Path(done.json["session"]), done


def test_a_model_in_process_on_one_and_on_two_devices(railyard, no_plots, work):
    folder, _ = annotated(railyard, f"init={BINNED}", *SMALL)
    assert folder.parent.name == "model=08_encoder_binned_gqa"
    session = AnnotationSession.open(folder)
    assert (len(session), session.source["bucket"]) == (654, 16)
    assert (folder / "tokenizer.json").read_bytes() == (BINNED / "tokenizer.json").read_bytes()
    with torch.inference_mode():
        model = AnsweringModel(read_init(BINNED)[0], "cpu")
    boards = AnnotationPool.open(POOL).batch(0, 16).exponents_B16
    answers = model.answer(boards, 16, Wanted())
    np.testing.assert_allclose(
        session.student_bins.gather(np.arange(16)), answers.probabilities_B4N, rtol=1e-4, atol=1e-6
    )
    two, _ = annotated(railyard, f"init={BINNED}", *SMALL, "device=cpu,cpu", "out=two")
    one, _ = annotated(railyard, f"init={BINNED}", *SMALL, "device=cpu", "out=one")
    assert digests(two) == digests(one)


def test_a_pool_that_was_played_and_the_moves_that_led_on(railyard, no_plots, work):
    assert railyard("play", "player=random", "games=4", "seed=3", "max_moves=60", "out=played").code == 0
    done = railyard("annotate", "pool=played", f"init={BINNED}", *SMALL)
    assert done.code == 0, done.err
    session, pool = AnnotationSession.open(Path(done.json["session"])), AnnotationPool.open(work / "played")
    rows, every = pool.rows.gather(np.arange(len(pool))), np.arange(len(pool))
    assert (len(session), session.source["pool_type"]) == (len(pool), "selfplay")
    assert (session.annotations.gather(every)["legal_mask"] == 0).all()
    assert np.isnan(session.columns["ev_loss"].gather(every)).all()
    played, top = session.columns["played"].gather(every), session.metrics.gather(every)["model_top_action"]
    known = np.flatnonzero(~np.isnan(played))
    assert len(known) > 0.9 * len(pool)
    for row in known.tolist():
        after = [*moves(tuple(rows["exps"][row].tolist()))][int(played[row])][0]
        spawned = [(old, new) for old, new in zip(after, rows["exps"][row + 1].tolist(), strict=True) if old != new]
        assert spawned in ([(0, 1)], [(0, 2)])
    assert (session.columns["disagreement"].gather(known) == (top[known] != played[known])).all()


def test_an_action_policy_and_the_plan(railyard, work):
    folder, done = annotated(railyard, f"init={POLICY}", *SMALL, "limit=100")
    assert "654 rows" not in done.err
    assert "100 rows of 654 (macroxue), 1 shards, 1 of them in this part" in done.err
    assert "annotations: 64 bytes a row, 0.0 MB" in done.err
    assert "student_bins" not in [product["name"] for product in AnnotationSession.open(folder).source["products"]]


@pytest.mark.slow
@pytest.mark.parametrize(
    "launcher", [(), ("hydra/launcher=joblib", "hydra.launcher.n_jobs=2"), ("hydra/launcher=submitit_local",)]
)
def test_parts_as_jobs_of_a_launcher(railyard, work, launcher):
    whole, _ = annotated(railyard, f"init={BINNED}", *SMALL, "out=whole")
    words = (f"pool={POOL}", f"init={BINNED}", *SMALL, "out=parts", "part=0/3,1/3,2/3")
    done = railyard("annotate", "-m", *words, *launcher)
    assert done.code == 0, done.err
    (folder,) = (work / "parts").glob("03_pack/model=*/*Z")
    assert digests(folder) == digests(whole)


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ((), "no model is named: give init=FOLDER or address="),
        ((f"init={BINNED}", "address=x:1"), "init and address are two models"),
        ((f"init={BINNED}", "products=[metric]"), "there is no product 'metric'; did you mean 'metrics'"),
        ((f"init={BINNED}", "overwrite=true", "part=0/2"), "a new session of part=0/2 would be another one"),
        ((f"init={BINNED}", "batch_size=100", "bucket=16"), "a batch is a whole number of passes of bucket=16 rows"),
        (("address=x:1", "bucket=16"), "with address the servers decide this"),
        ((f"init={POOL}",), "config.json is missing"),
        ((f"init={BINNED}", "device=cpu,gpu"), "device"),
        ((f"init={BINNED}", "part=2/2"), "part"),
    ],
)
def test_mistakes_are_told_in_a_sentence(railyard, work, words, message):
    done = railyard("annotate", f"pool={POOL}", *words)
    assert done.code == 2
    assert message in done.err


def test_a_missing_pool(railyard, work):
    done = railyard("annotate", "pool=nowhere", f"init={BINNED}")
    assert (done.code, "no pack at nowhere" in done.err) == (2, True)


def test_a_disk_too_small(railyard, work, monkeypatch):
    usage = shutil.disk_usage(work)
    monkeypatch.setattr("shutil.disk_usage", lambda path: usage._replace(free=10**6))
    done = railyard("annotate", f"pool={POOL}", f"init={BINNED}")
    assert (done.code, "GB are free: free some, leave products out, or set limit=" in done.err) == (2, True)
