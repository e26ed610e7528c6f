import json
import shutil

import numpy as np
import pytest
from annotators import annotate, facts

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.annotation.session import Board, Session
from railyard.core.errors import UserError


@pytest.fixture(scope="module")
def folder(tiny_pack, tmp_path_factory):
    return annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts(heads=(("p_die", 1),)))[0]


def test_frames_and_rows(folder, tiny_pack):
    session, pool = Session(folder), AnnotationPool.open(tiny_pack)
    frame = session.frame(limit=None)
    assert len(frame) == len(session) == 1200
    assert frame.columns.tolist() == [name for name in session.columns if name != "row"]
    assert frame["run_id"].tolist() == pool.batch(0, 1200).runs_B.tolist()
    assert {"valuation", "value_p_die", "score", "max_rank"} <= set(frame.columns)
    rows = session.rows("disagreement=1, model_top_prob<0.5")
    assert rows.tolist() == frame.index[(frame["disagreement"] == 1) & (frame["model_top_prob"] < 0.5)].tolist()
    assert session.rows("disagreement=1", limit=7).tolist() == session.rows("disagreement=1")[:7].tolist()
    few = session.frame("valuation=search", columns=["ev_loss"], limit=5)
    assert few.shape == (5, 1)
    assert (frame.loc[few.index, "valuation"] == "search").all()


def test_boards_are_those_of_the_pool(folder, tiny_pack):
    session, pool = Session(folder), AnnotationPool.open(tiny_pack)
    board = session.board(777)
    assert board.exponents == tuple(pool.batch(777, 1).exponents_B16[0].tolist())
    with pytest.raises(IndexError, match="row 1200 is outside"):
        session.board(1200)


def test_a_board_as_text_and_drawn():
    board = Board(3, (0, 1, 2, 3, *[0] * 11, 16))
    assert repr(board).splitlines()[0].split() == [".", "2", "4", "8"]
    assert repr(board).splitlines()[3].split()[-1] == "65536"
    html = board._repr_html_()
    assert html.count("<td") == 16
    assert ">65536<" in html


def test_what_lies_beside_the_rows(folder):
    session = Session(folder)
    assert session.schema["value_heads"][0]["name"] == "p_die"
    assert session.manifest["alignment"]["rows"] == session.source["rows"] == 1200
    assert len(session.quantiles["entropy"]) == 99
    assert session.student_bins([3, 4]).shape == (2, 4, 5)
    assert "1,200 rows, annotations, student_bins, metrics, value_heads" in repr(session)


def test_a_pool_that_moved_or_is_another(folder, tiny_pack, fixtures, tmp_path):
    copy = shutil.copytree(folder, tmp_path / "copy")
    moved = shutil.copytree(tiny_pack, tmp_path / "moved")
    assert Session(copy, pool=moved).board(0) == Session(folder).board(0)
    with pytest.raises(UserError, match=r"is not the pool of .*, or has changed since"):
        Session(copy, pool=fixtures / "03_pack").board(0)
    source = json.loads((copy / "source.json").read_text())
    (copy / "source.json").write_text(json.dumps({key: source[key] for key in source if key != "pool"}))
    with pytest.raises(UserError, match="does not say which pool it is of"):
        Session(copy).board(0)


def test_mistakes(folder, tiny_pack, tmp_path):
    session = Session(folder)
    with pytest.raises(UserError, match="there is no column 'entropi'; did you mean 'entropy'"):
        session.rows("entropi>1")
    with pytest.raises(UserError, match="no session at"):
        Session(tmp_path / "nowhere")
    bare, _ = annotate(tiny_pack, tmp_path, facts(bins=0), products=["annotations"], limit=10)
    with pytest.raises(UserError, match="has no columns, and 'entropy' is one: annotate with metrics among"):
        Session(bare).frame("entropy>1")
    with pytest.raises(UserError, match="holds no bins: annotate with student_bins among"):
        Session(bare).student_bins(np.arange(3))
