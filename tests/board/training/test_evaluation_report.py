"""What an evaluation leaves in its folder."""

import json
from pathlib import Path

from railyard.board.training.config import PackData
from railyard.board.training.evaluation import Evaluation
from railyard.board.training.evaluation_report import write
from railyard.core.runs import plots


def groups(*names):
    return {name: {"rows": 5 * n, "teacher_agreement": n / 10, "loss": 2.0} for n, name in enumerate(names, 1)}


def test_the_report_says_which_rows_and_has_a_table_for_each_grouping(tmp_path, monkeypatch):
    monkeypatch.setattr(plots, "available", lambda: False)
    result = Evaluation(1200, 3, {"loss": 1.5}, groups("search", "tuple11"), groups("1024"))
    write(tmp_path, result, Path("run/init"), PackData(pack=Path("some/pack")), "validation")
    facts = json.loads((tmp_path / "evaluation.json").read_text())
    assert facts == {
        "schema_version": 1,
        **{"init": "run/init", "pack": "some/pack", "split": "validation"},
        **result.as_dict(),
    }
    text = (tmp_path / "evaluation.md").read_text()
    assert "Model `run/init` on the validation runs of `some/pack`: 1,200 rows of 3 games." in text
    assert [line for line in text.splitlines() if line.startswith(("## ", "| valuation", "| highest", "| tuple"))] == [
        "## By valuation type",
        "| valuation type | rows | teacher_agreement | loss |",
        "| tuple11 | 10 | 0.2000 | 2.0000 |",
        "## By highest tile",
        "| highest tile | rows | teacher_agreement | loss |",
    ]
