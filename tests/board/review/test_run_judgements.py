import threading

import numpy as np
import pytest
from annotators import annotate, facts
from pools import as_selfplay, write_pool

from railyard.board.packs.pack import Pack
from railyard.board.review import run_judgements as judging
from railyard.board.review.accuracy import JUDGEMENTS, accuracies, shipped
from railyard.board.review.open_session import OpenSession
from railyard.board.review.run_figures import figures
from railyard.board.review.run_judgements import run_judgements
from railyard.board.review.session_runs import session_runs
from railyard.board.review.sessions import one


@pytest.fixture(scope="module")
def folder(tiny_pack, tmp_path_factory):
    return annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts())[0]


def opened(folder):
    return OpenSession(next(one(folder)()))


def test_runs_as_numpy_judges_them(folder):
    session = opened(folder)
    rows = np.arange(len(session.pool))
    steps = session.pool.rows.gather(rows)
    found = run_judgements(session)
    scales = shipped().of(session.pool.valuation_names)
    for column, before in (("played_loss", ""), ("ev_loss", "model_")):
        accuracy, said = accuracies(
            session.column(column, rows), steps["valuation_type"], session.column("max_rank", rows), scales
        )
        for place, run in enumerate(session.runs.id):
            mine = (steps["run_id"] == run) & ~np.isnan(accuracy)
            assert found[f"{before}accuracy"][place] == pytest.approx(accuracy[mine].mean(), rel=1e-6)
            counts = [found[f"{before}judgements.{name}"][place] for name in JUDGEMENTS]
            assert counts == np.bincount(said[mine], minlength=5).tolist()


def test_they_are_made_once_and_told_of_runs(folder, monkeypatch):
    run_judgements(opened(folder))
    monkeypatch.setattr(judging, "make", None)
    session = opened(folder)
    columns = figures(session)
    (run, *_) = session_runs(session, [0])
    assert run["accuracy"] == columns["accuracy"][0]
    assert run["judgements"] == {name: int(columns[f"judgements.{name}"][0]) for name in JUDGEMENTS}
    assert run["model_judgements"]["best"] == columns["model_judgements.best"][0]


def test_until_they_are_made_nothing_is_known(tiny_pack, tmp_path, monkeypatch):
    session = opened(annotate(tiny_pack, tmp_path, facts())[0])
    go_on, plain = threading.Event(), judging.make

    def slow(*arguments):
        assert go_on.wait(60)
        plain(*arguments)

    monkeypatch.setattr(judging, "make", slow)
    monkeypatch.setattr(judging, "LONG", 1)
    assert np.isnan(run_judgements(session)["accuracy"]).all()
    assert session_runs(session, [0])[0]["judgements"] is None
    assert "accuracy" in session.made.progress()
    go_on.set()
    session.made._running["accuracy"].result(60)
    assert not np.isnan(run_judgements(session)["accuracy"]).any()


def test_selfplay_has_none(tiny_pack, tmp_path):
    rows, runs, _ = as_selfplay(Pack.open(tiny_pack))
    pool = write_pool(tmp_path / "pool", rows, runs)
    session = opened(annotate(pool, tmp_path / "out", facts())[0])
    found = run_judgements(session)
    assert all(np.isnan(column).all() for column in found.values())
    run = session_runs(session, [0])[0]
    assert (run["accuracy"], run["model_accuracy"], run["judgements"]) == (None, None, None)
