"""What a report says of value heads."""

import pytest

from railyard.board.training.value_figures import ValueFigures
from railyard.board.training.value_report import sections
from railyard.core.intervals import wilson_interval
from railyard.core.runs import plots

GROUP = dict.fromkeys(("share", "probability", "brier", "base_brier", "calibration_error", "loss"), 0.25)
POINTS = [{"rows": 60, "probability": 0.1, "share": 0.2}, {"rows": 40, "probability": 0.9, "share": 0.7}]
HEAD = ValueFigures(
    "the game reaches 2048", {"rows": 100, **GROUP}, POINTS, {"512": {"rows": 100, **GROUP}}, {"512": POINTS}
)


def test_a_head_has_a_table_by_highest_tile(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    title, table, legend = sections(tmp_path, {"reach": HEAD})
    assert title == "## Value head reach: the game reaches 2048"
    assert [line.split(" | ")[:3] for line in table.splitlines()[2:]] == [
        ["| all", "100", "0.2500"],
        ["| 512", "100", "0.2500"],
    ]
    assert "tenths of probability" in legend
    assert list(tmp_path.iterdir()) == []


def test_the_plot_stands_beside_the_table(tmp_path):
    pytest.importorskip("matplotlib")
    lines = sections(tmp_path, {"reach": HEAD})
    assert lines[-1] == "![calibration of reach](value_reach.png)"
    assert (tmp_path / "value_reach.png").read_bytes().startswith(b"\x89PNG")


def test_heads_share_the_axis_of_scores_and_points_have_intervals(tmp_path, monkeypatch):
    pytest.importorskip("matplotlib")
    figures = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    better = {"rows": 12_345, **GROUP, "brier": 0.1, "base_brier": 0.1}
    sections(tmp_path, {"reach": HEAD, "better": ValueFigures("", better, POINTS, {"512": better}, {"512": POINTS})})
    curves, scores = zip(*(figure.axes for figure in figures), strict=True)
    assert scores[0].get_xlim() == scores[1].get_xlim()
    assert [label.get_text() for label in scores[1].get_yticklabels()] == ["512\n(12,345)"]
    lines = curves[0].collections[0].get_segments()
    assert tuple(lines[1][:, 1]) == pytest.approx(wilson_interval(28, 40))


def test_a_head_without_labels_says_so(tmp_path):
    empty = ValueFigures("the game reaches 2048", {"rows": 0}, [], {}, {})
    assert sections(tmp_path, {"reach": empty}) == ["## Value head reach: the game reaches 2048", "No row has a label."]
