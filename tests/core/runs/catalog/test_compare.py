"""What differs between runs."""

import json

from railyard.core.runs.catalog.compare import as_text, compare, differing, save
from railyard.core.store import durable


def pair(make):
    first = make("train/none/a", rows=((10, 5.0), (20, 4.0)), config={"model": {"lr": 0.1, "width": 8}})
    second = make("train/none/b", rows=((10, 5.0), (20, 3.0)), config={"model": {"lr": 0.2}, "out": "x"})
    for folder, torch, made in ((first, "2.12", "2026-01-01"), (second, "2.13", "2026-01-02")):
        facts = {"created_at": made, "packages": {"torch": torch, "numpy": "2.4"}, "data": {"pack_fingerprint": "f"}}
        durable.write_json(folder / "provenance.json", facts)
    return [first, second]


def test_only_what_differs_and_all_metrics(make):
    found = compare(pair(make))
    assert found["config"] == {"model.lr": [0.1, 0.2], "model.width": [8, "-"], "out": ["-", "x"]}
    assert found["provenance"] == {"packages.torch": ["2.12", "2.13"]}
    assert found["metrics"] == {"val/loss": [4.0, 3.0]}


def test_values_inside_a_runs_own_folder_are_equal(make):
    assert "paths.output_dir" not in compare(pair(make))["config"]


def test_three_sides_differ_if_one_does():
    assert differing([{"a": 1}, {"a": 1}, {"a": 2}]) == {"a": [1, 1, 2]}


def test_text_files_and_plots(make, tmp_path):
    folders = pair(make)
    found = compare(folders)
    text = as_text(found)
    assert text.splitlines()[1].split() == ["model.lr", "0.1", "0.2"]
    (plot,) = save(found, folders, tmp_path / "out")
    assert plot.endswith("val_loss.png")
    assert (tmp_path / "out" / "val_loss.png").read_bytes().startswith(b"\x89PNG")
    assert "| model.lr | 0.1 | 0.2 |" in (tmp_path / "out" / "comparison.md").read_text()
    assert json.loads((tmp_path / "out" / "comparison.json").read_text()) == found


def test_equal_runs(make):
    folder = make("train/none/a")
    assert "config: no difference" in as_text(compare([folder, folder]))
