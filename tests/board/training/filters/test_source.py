"""Inputs of filters: shards of session and pool that are cut at other rows, pools of several kinds."""

import numpy as np
import pytest
from annotators import annotate, facts
from pools import as_selfplay, write_pool

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.pack import Pack
from railyard.board.training.filters.registry import filter_of
from railyard.board.training.filters.source import Annotated, open_pool


@pytest.fixture(scope="module")
def source(tiny_pack, tmp_path_factory):
    folder, _ = annotate(tiny_pack, tmp_path_factory.mktemp("out"), facts(), shard_rows=130)
    return Annotated(Pack.open(tiny_pack), AnnotationSession.open(folder))


def test_views_are_aligned_whatever_the_shards(source):
    views = list(source.views(100, 800))
    assert [inputs.first for inputs in views][:3] == [100, 130, 260]
    for inputs in views:
        rows = np.arange(inputs.first, inputs.first + len(inputs.rows))
        steps = source.pool.rows.gather(rows)
        assert inputs.rows["step_index"].tolist() == inputs.steps["step_index"].tolist() == steps["step_index"].tolist()
        assert inputs.columns["entropy"].tolist() == source.session.columns["entropy"].gather(rows).tolist()
        assert inputs.student_bins.tolist() == source.session.student_bins.gather(rows).tolist()
        assert set(inputs.columns) == set(source.session.columns)
        assert len(inputs.columns) == len(source.session.columns)
    assert sum(len(inputs.rows) for inputs in views) == 700


def test_inputs_are_what_the_manifest_says(source):
    assert {"teacher_move", "policy_p1", "argmax_head", "student_bins", "branch_evs"} <= set(source.inputs)
    assert "columns.entropy" in source.inputs
    assert filter_of("student_wrong_p1").missing(source.inputs) == []


def test_a_session_without_annotations_or_columns(tiny_pack, tmp_path):
    pack = Pack.open(tiny_pack)
    folder, _ = annotate(tiny_pack, tmp_path, facts(), products=["metrics"])
    metrics = Annotated(pack, AnnotationSession.open(folder))
    assert filter_of("student_wrong_p1").missing(metrics.inputs) == ["teacher_move", "policy_p1", "argmax_head"]
    margin = filter_of({"name": "teacher_margin", "params": {"min_loss": 1}})
    assert margin.missing(metrics.inputs) == []
    assert len(margin.select(metrics).indices) > 0
    (inputs,) = metrics.views(0, 5)
    assert inputs.rows is None
    assert inputs.student_bins is None


def test_a_self_play_pool_has_no_teacher(tmp_path, tiny_pack):
    rows, runs, _ = as_selfplay(Pack.open(tiny_pack))
    selfplay_pool = write_pool(tmp_path / "pool", rows, runs)
    folder, _ = annotate(selfplay_pool, tmp_path / "out", facts())
    source = Annotated(open_pool(selfplay_pool), AnnotationSession.open(folder))
    assert filter_of("student_wrong_p1").missing(source.inputs) == ["teacher_move"]
    assert source.valuation_names == ()
    found = filter_of({"name": "low_confidence", "params": {"max_prob": 1}}).select(source)
    assert len(found.indices) == len(source)
    assert next(source.views(0, 3)).steps is None
    of_columns = filter_of({"name": "query", "params": {"where": "entropy>=0, steps>0"}}).select(source)
    assert len(of_columns.indices) == len(source)


def test_what_is_computed_of_rows_can_be_trained_on(source):
    found = filter_of({"name": "query", "params": {"where": "illegal_argmax=1, entropy!=null"}}).select(source)
    rows = np.arange(len(source))
    heads = source.session.annotations.gather(rows)["argmax_head"]
    legal = AnnotationPool.open(source.pool.path).batch(0, len(rows)).legal_B
    assert found.indices.tolist() == np.flatnonzero(legal >> heads & 1 == 0).tolist()
    assert len(found.indices)
