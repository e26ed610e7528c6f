"""What the catalog reads from a run folder, whole, unfinished and damaged."""

import json

import pytest

from railyard.core.runs import run_state
from railyard.core.runs.catalog.record import flat, read
from railyard.core.store import durable


def test_a_finished_run(make):
    folder = make("train/board/quick/2026-11-20T11-43-48Z_04364b")
    record, details = read(folder, "p")
    assert (record.name, record.path) == ("2026-11-20T11-43-48Z_04364b", "p")
    assert (record.verb, record.experiment, record.sweep) == ("train", "board/quick", None)
    assert record.when == "2026-11-20T11:43:48+00:00"
    assert (record.state, record.steps, record.tags, record.damaged) == ("finished", 20, ["a"], [])
    assert (record.metric, record.mode, record.best) == ("val/loss", "min", 4.0)
    assert details["model.lr"] == 0.1
    assert details["val/loss"] == 4.0
    assert "steps" not in details


def test_provenance_tells_time_and_code(make):
    folder = make("train/none/a")
    facts = {"created_at": "2026-01-02T03:04:05+00:00", "code": {"git_commit": "abc"}}
    durable.write_json(folder / "provenance.json", facts)
    record, _ = read(folder, "p")
    assert (record.when, record.commit) == ("2026-01-02T03:04:05+00:00", "abc")


def test_of_a_run_under_way_the_metrics_are_read(make):
    record, details = read(make("train/none/a", state="running"), "p")
    assert (record.state, record.steps, details["val/loss"]) == ("running", 20, 4.0)


def test_a_run_that_has_only_its_config(make):
    record, details = read(make("train/none/a", rows=(), state="running", best=None), "p")
    assert (record.steps, record.best) == (None, None)
    assert "val/loss" not in details


def test_a_trial_belongs_to_its_sweep_which_has_the_last_word(make):
    folder = make("train/board/quick/2026-11-20T11-43-48Z_04364b/7", state="stopped")
    record, _ = read(folder, "p")
    assert (record.name, record.sweep) == ("2026-11-20T11-43-48Z_04364b/7", "2026-11-20T11-43-48Z_04364b")
    assert (record.experiment, record.state) == ("board/quick", "stopped")
    assert record.when == "2026-11-20T11:43:48+00:00"
    for said, shown in (("complete", "finished"), ("pruned", "pruned"), ("failed", "failed")):
        (folder / "outcome.json").write_text(json.dumps({"state": said, "metrics": {}, "error": "why"}))
        assert read(folder, "p")[0].state == shown
    assert read(folder, "p")[0].message == "why"


@pytest.mark.parametrize("name", ["config.yaml", "provenance.json", "checkpoints/manifest.json", "metrics.jsonl"])
def test_damage_is_named_and_the_rest_is_read(make, name):
    folder = make("train/none/a", state="running")
    (folder / name).write_text("{[\n")
    record, _ = read(folder, "p")
    assert len(record.damaged) == 1
    assert name.rpartition("/")[2] in record.damaged[0]
    assert record.verb == "train"


def test_a_folder_elsewhere_is_placed_by_its_own_records(make, tmp_path):
    folder = make("train/none/a").rename(tmp_path / "mine")
    durable.write_json(folder / "provenance.json", {"command": ["railyard", "evaluate", "run=x"]})
    record, _ = read(folder, "p")
    assert (record.verb, record.experiment) == ("evaluate", "none")


def test_the_runs_own_records_stand_above_its_place(make):
    folder = make("mine/here/a")
    durable.write_json(folder / "provenance.json", {"command": ["railyard", "train", "experiment=board/quick"]})
    (folder / ".hydra").mkdir()
    (folder / ".hydra" / "hydra.yaml").write_text("hydra: {runtime: {choices: {experiment: board/quick}}}")
    record, _ = read(folder, "p")
    assert (record.verb, record.experiment) == ("train", "board/quick")


def test_what_ended_a_run_early(make):
    folder = make("train/none/a")
    run_state._write(
        folder, "finished", "val/loss did not improve", {"steps": 20, "metrics": {}, "stopped_by": "EarlyStopping"}
    )
    record, _ = read(folder, "p")
    assert (record.state, record.stopped_by) == ("finished", "EarlyStopping")
    assert record.message == "val/loss did not improve"


def test_leaves_have_dotted_keys():
    assert dict(flat({"a": {"b": [1], "c": {}}, "d": None})) == {"a.b": [1], "a.c": {}, "d": None}
    assert dict(flat({})) == {}
