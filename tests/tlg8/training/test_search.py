"""Searches from the command line, with trials that are made quickly and trials that are made up."""

import json
from pathlib import Path

import pytest

from railyard.core.errors import UserError
from railyard.core.store import journal
from railyard.tlg8.ranking.bundle import read_bundle
from railyard.tlg8.training import search as searching
from railyard.tlg8.training.search_config import Search

# of each trial, as the source lists them
FIELDS = (
    *("trial_id", "timestamp", "git_commit", "dataset", "features", "architecture", "hyperparameters", "valid_loss"),
    *("valid_hit_rate", "parameters", "parameters_total", "status"),
)


@pytest.fixture
def made(monkeypatch):
    """Trials that reach the given hit rates at once; the list of those that were run."""
    ran = []

    def use(rates):
        def run_trial(run, trial_id, proposal, config, budget):
            ran.append(trial_id)
            figures = {"hit@32": rates[trial_id], "hit@16": 0.0, "excess@32": 1.0}
            facts = {"trial_id": trial_id, "status": "complete", "proposal": proposal, "figures": figures}
            return {**facts, "parameters_total": 10, "bundle": f"artifacts/trial_{trial_id:04d}/init"}

        monkeypatch.setattr(searching, "run_trial", run_trial)
        return ran

    return use


def knobs(pack, tmp_path, **changes):
    return Search(pack=pack, run_id="r", root=tmp_path, **changes)


def test_a_smoke_trial_leaves_the_layout_of_the_source(railyard, block_pack):
    done = railyard("search", f"pack={block_pack}", "run_id=r", "smoke=true", "batch_size=32", "json=true")
    assert done.code == 0, done.err
    run = Path(done.json["run"])
    assert run == Path("outputs/tlg8/r")
    for name in ("config.json", "progress.jsonl", "best.json", "splits/split.json", "dataset/bits.all.npy"):
        assert (run / name).is_file(), name
    trial, end = journal.read(run / "progress.jsonl")
    assert [name for name in FIELDS if trial.get(name) is None and name != "git_commit"] == []
    assert (trial["status"], end["event"], end["status"]) == ("complete", "end", "finished")
    folder = run / "artifacts" / "trial_0000"
    bundle = read_bundle(folder / "init")
    assert bundle.facts.parameters == trial["parameters"]
    assert trial["figures"].items() <= bundle.facts.reported.items()
    assert (folder / "evaluation.md").is_file()
    assert (folder / "features.json").is_file()
    assert json.loads((run / "best.json").read_text())["best"]["bundle"] == "artifacts/trial_0000/init"
    before = (run / "progress.jsonl").read_bytes()
    again = railyard("search", f"pack={block_pack}", "run_id=r", "smoke=true", "batch_size=32", "json=true")
    assert (again.json, (run / "progress.jsonl").read_bytes()) == (done.json, before)
    other = railyard("search", f"pack={block_pack}", "run_id=r", "smoke=true", "batch_size=64")
    assert (other.code, "batch_size: 32 -> 64" in other.err) == (2, True), other.err
    shown = railyard("show", f"path={run}", "json=true").json
    assert (shown["kind"], shown["status"], shown["best"]["trial_id"]) == ("tlg8 search", "finished", 0)
    promoted = railyard("promote", f"bundle={run}/artifacts/trial_0000/init/bundle.json", "run_id=p", "json=true")
    assert read_bundle(Path(promoted.json["bundle"])).facts == read_bundle(folder / "init").facts
    twice = railyard("promote", f"bundle={folder / 'init'}", "run_id=p")
    assert (twice.code, "exists and is not a new run: choose another run_id=" in twice.err) == (2, True)
    shown = railyard("show", "path=outputs/tlg8/p", "json=true").json
    assert (shown["kind"], shown["status"], shown["mode"]) == ("tlg8 promoted bundle", "promoted", "strict")
    Path(promoted.json["bundle"], "weights.safetensors").write_bytes(b"")
    assert "weights.safetensors" in railyard("show", "path=outputs/tlg8/p").err
    (folder / "init" / "weights.safetensors").unlink()
    damaged = railyard("show", f"path={run}")
    assert (damaged.code, "weights.safetensors" in damaged.err) == (1, True), damaged.err


def test_a_search_without_gain_ends_as_failed(made, block_pack, tmp_path):
    ran = made([0.5] * 100)
    told = searching.search(knobs(block_pack, tmp_path))
    assert (ran, told["status"], told["gate_met"]) == ([*range(11)], "failed", False)
    records = journal.read(tmp_path / "r" / "progress.jsonl")
    assert (len(records), records[-1]["status"]) == (12, "failed")
    assert json.loads((tmp_path / "r" / "best.json").read_text())["status"] == "failed"


def test_a_stopped_search_goes_on_at_the_next_trial(made, block_pack, tmp_path, monkeypatch):
    ran = made([0.1 * n for n in range(5)])
    whole = searching.search(knobs(block_pack, tmp_path / "whole", trials=5))
    first = journal.read(tmp_path / "whole" / "r" / "progress.jsonl")
    ran.clear()
    calls = iter([True, True, False])

    class Killed(BaseException):
        pass

    inner = searching.run_trial

    def until_killed(*given):
        if not next(calls):
            raise Killed
        return inner(*given)

    monkeypatch.setattr(searching, "run_trial", until_killed)
    with pytest.raises(Killed):
        searching.search(knobs(block_pack, tmp_path / "part", trials=5))
    monkeypatch.setattr(searching, "run_trial", inner)
    (tmp_path / "part" / "r" / "best.json").unlink()
    told = searching.search(knobs(block_pack, tmp_path / "part", trials=5))
    assert ran == [*range(5)]
    assert journal.read(tmp_path / "part" / "r" / "progress.jsonl") == first
    assert {**told, "run": None} == {**whole, "run": None}


def test_a_trial_that_fails_is_logged_and_the_next_follows(block_pack, tmp_path, monkeypatch):
    def fail(*given):
        raise UserError("the device's memory is full")

    monkeypatch.setattr("railyard.tlg8.training.trial.fit", fail)
    told = searching.search(knobs(block_pack, tmp_path, trials=2))
    records = journal.read(tmp_path / "r" / "progress.jsonl")
    assert [record.get("error") for record in records] == ["the device's memory is full"] * 2 + [None]
    assert (told["trials"], told["best"], told["status"]) == ({"failed": 2}, None, "finished")


def test_a_trial_beyond_its_budget_is_logged_as_such(block_pack, tmp_path):
    told = searching.search(
        knobs(block_pack, tmp_path, trials=1, minutes=0.01, batch_size=32, max_epochs=500, patience=500)
    )
    record, _ = journal.read(tmp_path / "r" / "progress.jsonl")
    assert record["status"] == "over_budget"
    assert told["best"]["trial_id"] == 0, "what it had reached counts"


def test_the_extra_that_it_needs_is_named(block_pack, tmp_path, monkeypatch):
    monkeypatch.setattr("importlib.util.find_spec", lambda name: None)
    with pytest.raises(UserError, match=r"pip install 'railyard\[search\]'"):
        searching.search(knobs(block_pack, tmp_path))


def test_a_folder_of_something_else_is_left_alone(block_pack, tmp_path):
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / "notes.txt").touch()
    with pytest.raises(UserError, match="is not the run of a search"):
        searching.search(knobs(block_pack, tmp_path))


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["mode=rerank", "allow_answer=true"], "for the modes strict and ranking alone, this is rerank"),
        (["run_id=../x"], "run_id: must be a name of letters, digits and ._-"),
        (["trials=101"], "trials"),
        (["minutes=61"], "minutes"),
        (["pack=nowhere"], "pack: nowhere/labels.meta.json is missing: nowhere is no pack"),
        (["batch_size=200"], "batch_size: batch_size=200 is larger than the blocks to train on, some 130: lower it"),
    ],
)
def test_mistakes_are_one_sentence(words, sentence, railyard, block_pack):
    done = railyard("search", f"pack={block_pack}", "run_id=r", *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
