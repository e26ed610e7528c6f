"""Markdown of reports."""

from railyard.core.runs import reporting
from railyard.core.runs.folder import write_config
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable


def test_numbers_are_set_to_the_right():
    text = reporting.table(("name", "n"), [("a", 1234567), ("b", 2)])
    assert text == "| name | n |\n| --- | --: |\n| a | 1,234,567 |\n| b | 2 |"


def test_cells():
    assert [reporting.cell(v) for v in (1234.5, True, None, "x", 12)] == ["1,234.5000", "True", "None", "x", "12"]


def test_a_bar_in_a_cell_does_not_end_it():
    assert reporting.table(("a",), [("x|y",)]).splitlines()[-1] == r"| x\|y |"


def test_metric_lines():
    assert "| val/loss | 0.5000 |" in reporting.metric_lines({"val/loss": 0.5})


def test_what_ran_and_with_what_config(tmp_path):
    facts = provenance(["railyard", "train", "seed=3"], 3, data={"pack": "abc"})
    durable.write_json(tmp_path / "provenance.json", facts)
    write_config(tmp_path, {"seed": 3, "tags": ["hidden"], "data": {"batch_size": 8}})
    text = reporting.what_ran(tmp_path)
    assert "| command | `railyard train seed=3` |" in text
    assert "| data: pack | abc |" in text
    block = reporting.config_block(tmp_path)
    assert block.startswith("```yaml\nseed: 3\n")
    assert "batch_size: 8" in block
    assert "hidden" not in block
