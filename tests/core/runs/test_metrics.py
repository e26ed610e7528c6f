"""Rows of metrics: read, summed up, written as a table."""

import csv

import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.core.runs import metrics
from railyard.core.store import journal

ROWS = [
    {"step": 10, "epoch": 0, "train/loss": 2.0},
    {"step": 20, "epoch": 1, "train/loss": 1.0},
    {"step": 20, "epoch": 1, "val/loss": 1.5},
]


def test_rows_come_from_the_journal(tmp_path):
    assert metrics.read(tmp_path) == []
    with journal.Journal(tmp_path / "metrics.jsonl") as file:
        for row in ROWS:
            file.append(row)
    assert metrics.read(tmp_path) == ROWS


def test_names_values_and_series():
    assert metrics.names(ROWS) == ["train/loss", "val/loss"]
    assert metrics.last_values(ROWS) == {"train/loss": 1.0, "val/loss": 1.5}
    assert metrics.series(ROWS, "train/loss") == ([10, 20], [2.0, 1.0])
    assert metrics.series(ROWS, "nothing") == ([], [])


def test_the_table_has_one_line_a_step(tmp_path):
    metrics.write_csv(tmp_path, ROWS)
    assert (tmp_path / "metrics.csv").read_text() == "step,epoch,train/loss,val/loss\n10,0,2.0,\n20,1,1.0,1.5\n"


def test_no_rows_give_a_header_only(tmp_path):
    metrics.write_csv(tmp_path, [])
    assert (tmp_path / "metrics.csv").read_text() == "step,epoch\n"


row = st.fixed_dictionaries({"step": st.integers(0, 5), "epoch": st.just(0)}).flatmap(
    lambda base: st.dictionaries(st.sampled_from(["a", "b", "c"]), st.floats(allow_nan=False)).map(
        lambda values: {**base, **values}
    )
)


@given(st.lists(row))
def test_the_table_keeps_the_newest_value_of_every_cell(rows):
    import tempfile
    from pathlib import Path

    with tempfile.TemporaryDirectory() as folder:
        metrics.write_csv(Path(folder), rows)
        with (Path(folder) / "metrics.csv").open(newline="") as file:
            table = {int(line["step"]): line for line in csv.DictReader(file)}
    newest = {(row["step"], name): value for row in rows for name, value in row.items() if name in "abc"}
    cells = {(step, name): float(line[name]) for step, line in table.items() for name in "abc" if line.get(name)}
    assert cells == newest
    assert list(table) == sorted(table)


@pytest.mark.parametrize("row", [{"epoch": 0}, {"step": "1", "epoch": 0}, {"step": 1, "epoch": 0, "loss": [1]}])
def test_rows_of_other_types_are_one_sentence(row, tmp_path):
    with journal.Journal(tmp_path / "metrics.jsonl") as file:
        file.append(row)
    with pytest.raises(UserError, match=r"metrics.jsonl, rows: 0\.(step|loss): .*: restore it"):
        metrics.read(tmp_path)
