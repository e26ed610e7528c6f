"""Each filter against the obvious loop over rows, from a session of `annotate` and from annotations made elsewhere."""

import json
import math
import shutil

import numpy as np
import pytest
from annotators import annotate, facts

from railyard.board.annotation.session import Session
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.annotations import ANNOTATION
from railyard.board.packs.pack import Pack
from railyard.board.training.filters import compiled, top_k_disagreements
from railyard.board.training.filters.filter import Filter, FilterInputs, FilterResult
from railyard.board.training.filters.registry import filter_of
from railyard.board.training.filters.source import Annotated
from railyard.core.errors import UserError
from railyard.core.store import scanning


@pytest.fixture(scope="module")
def folder(tiny_pack, tmp_path_factory):
    return annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts(), shard_rows=500)[0]


@pytest.fixture(scope="module")
def foreign(folder, tmp_path_factory):
    """The same annotations as the reference leaves them: no columns, no metrics, nothing said of the inputs."""
    bare = tmp_path_factory.mktemp("foreign")
    for file in folder.glob("annotations-*.npy"):
        shutil.copy(file, bare)
    manifest = json.loads((folder / "annotation_manifest.json").read_text())
    kept = {key: manifest[key] for key in ("kinds", "runs", "student_bins")}
    (bare / "annotation_manifest.json").write_text(json.dumps(kept))
    return bare


@pytest.fixture(scope="module")
def source(folder, tiny_pack):
    return Annotated(Pack.open(tiny_pack), AnnotationSession.open(folder))


@pytest.fixture(scope="module")
def elsewhere(foreign, tiny_pack):
    return Annotated(Pack.open(tiny_pack), AnnotationSession.open(foreign))


@pytest.fixture(autouse=True)
def small_chunks(monkeypatch):
    monkeypatch.setattr(scanning, "CHUNK", 104)  # several in a shard, and some over the border of two


def rows_of(source):
    return source.session.annotations.gather(np.arange(len(source)))


def wrong_rows(rows):
    return [
        i
        for i, row in enumerate(rows)
        if row["teacher_move"] < 4
        and row["legal_mask"] >> row["teacher_move"] & 1
        and row["policy_kind_mask"] & 1
        and row["argmax_head"] != row["teacher_move"]
    ]


def gap(row):
    low = float(row["policy_p1"][row["teacher_move"]])
    return math.log(float(row["policy_p1"][row["argmax_head"]])) - math.log(low)


def test_passthrough_is_a_range_and_needs_no_annotations(source, tiny_pack):
    for name in ("passthrough", "all", "random_all"):
        found = filter_of(name).select(Annotated(Pack.open(tiny_pack)))
        assert found.indices == range(len(source))
        assert found.metadata == {"count": 1200, "coverage": 1.0, "first": 0, "last": 1199}
    assert Annotated(Pack.open(tiny_pack)).inputs == ()
    assert filter_of("passthrough").keep(next(source.views(0, 7))).tolist() == [True] * 7


def test_student_wrong_p1(source, elsewhere):
    expected = wrong_rows(rows_of(source))
    assert 100 < len(expected) < 1100
    for each in (source, elsewhere):
        found = filter_of("student_wrong_p1").select(each)
        assert found.indices.tolist() == expected
        assert found.indices.dtype == np.uint32
        facts = {"count": len(expected), "coverage": len(expected) / 1200, "first": expected[0], "last": expected[-1]}
        assert found.metadata == facts


def test_wrong_is_a_legal_known_move_that_p1_speaks_against():
    rows = np.zeros(512, ANNOTATION)
    random = np.random.default_rng(0)
    rows["teacher_move"] = random.choice(np.array([0, 1, 2, 3, 4, 32, 255], np.uint8), 512)
    rows["legal_mask"], rows["policy_kind_mask"] = random.integers(0, 16, (2, 512))
    rows["argmax_head"] = random.integers(0, 4, 512)
    expected = wrong_rows(rows)
    assert np.flatnonzero(compiled.wrong(rows)).tolist() == expected
    assert len(expected) > 20
    assert np.flatnonzero(compiled.wrong(rows[::2])).tolist() == wrong_rows(rows[::2])


@pytest.mark.parametrize("k", [1, 7, 60, 10_000])
@pytest.mark.parametrize("spare", [0, 50, 1 << 20])
def test_top_k_are_the_widest_gaps_ties_by_row(source, monkeypatch, k, spare):
    monkeypatch.setattr(top_k_disagreements, "MOST_SPARE", spare)
    rows = rows_of(source)
    wrong = wrong_rows(rows)
    expected = sorted(sorted(wrong, key=lambda i: (-gap(rows[i]), i))[:k])
    assert filter_of({"name": "top_k_disagreements", "params": {"k": k}}).select(source).indices.tolist() == expected


@pytest.mark.parametrize("spare", [0, 3, 100])
def test_of_equal_gaps_the_first_rows_are_kept(monkeypatch, spare):
    monkeypatch.setattr(top_k_disagreements, "MOST_SPARE", spare)
    random = np.random.default_rng(1)
    values = random.choice([0.5, 1.0, 2.0, math.inf], 60)
    for k in (1, 5, 30, 59, 60, 80):
        best = top_k_disagreements._Largest(k)
        for at in range(0, 60, 7):
            best.add(np.arange(at, min(at + 7, 60)), values[at : at + 7])
        assert best.rows().tolist() == sorted(sorted(range(60), key=lambda i: (-values[i], i))[:k])
    assert top_k_disagreements._Largest(3).rows().tolist() == []


def test_gaps_of_rows_without_mass():
    rows = np.zeros(3, ANNOTATION)
    rows["argmax_head"], rows["teacher_move"] = 1, 0
    rows["policy_p1"] = [[0.25, 0.5, 0, 0], [0, 0.5, 0, 0], [0, 0, 0, 0]]
    assert compiled.gaps(rows).tolist() == [pytest.approx(math.log(2)), math.inf, pytest.approx(math.nan, nan_ok=True)]


def test_low_confidence(source, elsewhere):
    rows = rows_of(source)
    most = float(np.median(rows["argmax_prob"]))
    expected = [i for i, row in enumerate(rows) if row["argmax_prob"] <= np.float32(most)]
    for each in (source, elsewhere):
        found = filter_of({"name": "low_confidence", "params": {"max_prob": most}}).select(each)
        assert found.indices.tolist() == expected


def test_high_entropy_from_the_column_or_the_bins(source, elsewhere, folder):
    column = Session(folder).frame(columns=["entropy"])["entropy"]
    least = float(column.quantile(0.7))
    expected = np.flatnonzero(column >= np.float32(least)).tolist()
    assert 300 < len(expected) < 400
    for each in (source, elsewhere):
        found = filter_of({"name": "high_entropy", "params": {"min_entropy": least}}).select(each)
        assert found.indices.tolist() == expected


def test_teacher_margin_from_the_column_or_the_evs(source, elsewhere, folder):
    column = Session(folder).frame(columns=["ev_loss"])["ev_loss"]
    least = float(column[column > 0].quantile(0.5))
    expected = np.flatnonzero(column >= np.float32(least)).tolist()
    assert len(expected) > 100
    for each in (source, elsewhere):
        found = filter_of({"name": "teacher_margin", "params": {"min_loss": least}}).select(each)
        assert found.indices.tolist() == expected
    losses = compiled.ev_losses(
        rows_of(source), elsewhere.pool.rows.gather(np.arange(1200)), elsewhere.pool.valuation_names
    )
    np.testing.assert_array_equal(losses, column.to_numpy())


def test_query_is_the_search(source, elsewhere, folder):
    where = "disagreement=1, model_top_prob<0.4, step_index>10"
    found = filter_of({"name": "query", "params": {"where": where}}).select(source)
    assert found.indices.tolist() == Session(folder).rows(where).tolist()
    assert len(found.indices) > 10
    of_runs = filter_of({"name": "query", "params": {"where": "score>0, row<9"}}).select(elsewhere)
    assert of_runs.indices.tolist() == list(range(9))
    with pytest.raises(UserError, match="there is no column 'entropi'; did you mean 'entropy'"):
        filter_of({"name": "query", "params": {"where": "entropi>1"}}).select(source)
    with pytest.raises(UserError, match="has no columns, and 'entropy' is one"):
        filter_of({"name": "query", "params": {"where": "entropy>1"}}).select(elsewhere)


def test_one_of_your_own(source):
    class Even(Filter):
        needs = ("columns.entropy or columns.nothing", "argmax_head")

        def keep(self, inputs: FilterInputs):
            assert inputs.steps is not None
            return inputs.steps["step_index"] % 2 == 0

    expected = np.flatnonzero(source.pool.rows.gather(np.arange(1200))["step_index"] % 2 == 0).tolist()
    assert Even().select(source).indices.tolist() == expected
    assert Even().missing(source.inputs) == []
    assert Even().missing(("argmax_head",)) == ["columns.entropy or columns.nothing"]


def test_a_filter_without_a_match(source):
    found = filter_of({"name": "query", "params": {"where": "row<0"}}).select(source)
    assert found.indices.tolist() == []
    assert found.metadata == {"count": 0, "coverage": 0.0, "first": None, "last": None}
    assert FilterResult.of(range(0), 0).metadata["coverage"] == 0.0
