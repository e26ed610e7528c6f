import json
from collections import Counter
from dataclasses import fields

from railyard.board.packs.report import Counts, ImportReport


def test_counts_add_up_field_by_field():
    total = Counts()
    for name in ("a", "b"):
        total.add(Counts(1, 2, 3, 4, 5, 6, 7, 8, Counter({"x": 9, name: 1}), [{"file": name}], [name]))
    assert [getattr(total, each.name) for each in fields(Counts)[:8]] == [2, 4, 6, 8, 10, 12, 14, 16]
    assert total.unknown_branches == {"x": 18, "a": 1, "b": 1}
    assert total.skipped == [{"file": "a"}, {"file": "b"}]
    assert total.without_steps == ["a", "b"]


def test_equal_reports_give_equal_texts_in_whatever_order_names_came():
    texts = [
        json.dumps(ImportReport(Counts(unknown_branches=Counter(names))).as_dict())
        for names in (["x", "y", "x"], ["y", "x", "x"])
    ]
    assert texts[0] == texts[1]
    assert json.loads(texts[0])["unknown_branches"] == {"x": 2, "y": 1}
    assert json.loads(texts[0])["already_there"] is False
