"""Tables of numbers among an artifact's facts, as bars."""

import pytest

from railyard.core.runs import distributions, plots


@pytest.fixture
def drawn(monkeypatch):
    pytest.importorskip("matplotlib")
    figures = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    return figures


def test_each_table_of_numbers_has_a_panel_whatever_lies_around_it(drawn, tmp_path):
    many = {str(number): number for number in range(40)}
    facts = {"rows": 3, "by_kind": {"a": 1, "b": 2.5}, "shares": {"scan": {0: 0.5}, "note": "x"}, "many": many}
    distributions.draw({**facts, "flags": {"on": True}, "none": {}}, tmp_path)
    found = {axes.get_title(loc="left"): [len(axes.patches)] for axes in drawn[0].axes}
    assert found == {"by kind": [2], "shares: scan": [1], "many (16 largest of 40)": [16]}


def test_facts_without_a_table_are_not_drawn_and_that_is_said(drawn, tmp_path, caplog):
    distributions.draw({"kind": "x", "rows": 3}, tmp_path)
    assert not drawn
    assert "nothing to draw" in caplog.text
