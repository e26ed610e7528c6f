"""What `railyard show` tells of what every rail makes, and what it draws."""

import json

import pytest
import torch
from sweeps import sweep

from railyard.core.runs.folder import write_config
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable, journal
from railyard.core.sweeping.folder import SweepFolder

PNG = b"\x89PNG\r\n"


@pytest.fixture
def trials(work):
    made = SweepFolder(work / "sweep")
    made.path.mkdir()
    made.write("train", ["a=1"], [provenance(["railyard", "train", "-m", "a=1,2"])])
    tried = sweep(7)
    made.write_trials([trial for trial, _ in tried])
    for trial, outcome in tried:
        made.job(trial.number).mkdir()
        made.write_outcome(trial, outcome)


@pytest.fixture
def run(work):
    (work / "run" / "checkpoints").mkdir(parents=True)
    write_config(work / "run", {"seed": 4})
    with journal.Journal(work / "run" / "metrics.jsonl") as rows:
        for step in (1, 2):
            rows.append({"step": step, "epoch": 0, "train/loss": 1.0 / step, "val/loss": 2.0 / step})
    weights = {"net.0.weight": torch.zeros(3, 4), "net.0.bias": torch.zeros(3), "head.weight": torch.zeros(5)}
    torch.save({"state_dict": weights, "global_step": 7, "epoch": 1}, work / "run" / "checkpoints" / "step=7.ckpt")
    return work / "run"


def test_a_word_without_a_key_is_the_path(railyard, trials):
    assert railyard("show", "sweep", "json=true").json == railyard("show", "path=sweep", "json=true").json


def test_a_sweep(railyard, trials, work):
    pytest.importorskip("matplotlib")
    facts = railyard("show", "sweep", "out=drawn", "json=true").json
    assert (facts["kind"], facts["verb"], facts["commands"]) == ("sweep", "train", ["railyard train -m a=1,2"])
    assert facts["states"] == {"complete": 5, "pruned": 1, "failed": 1}
    assert [row["number"] for row in facts["trials"]] == list(range(7))
    assert {"facts.png", "val_loss.png"} <= {file.name for file in (work / "drawn").iterdir()}


def test_a_run_s_curves_are_drawn(railyard, run, work):
    pytest.importorskip("matplotlib")
    assert railyard("show", "run", "out=drawn").code == 0
    assert (work / "drawn" / "loss.png").read_bytes().startswith(PNG)


def test_a_checkpoint_whole_and_unlike_its_manifest(railyard, run, work):
    file = run / "checkpoints" / "step=7.ckpt"
    facts = railyard("show", str(file.relative_to(work)), "out=drawn", "json=true").json
    assert (facts["kind"], facts["step"], facts["epoch"], facts["parameters"]) == ("checkpoint", 7, 1, 20)
    assert facts["parameters_by_part"] == {"net.0": 15, "head.weight": 5}
    assert (work / "drawn" / "facts.png").read_bytes().startswith(PNG)
    entry = {"step": 7, "sha256": "0" * 64}
    durable.write_json(file.parent / "manifest.json", {"last": file.name, "files": {file.name: entry}})
    done = railyard("show", f"path={file}", "json=true")
    assert (done.code, done.json["is_last"], done.json["is_best"]) == (1, True, False)
    assert "not as its manifest says" in done.err


def test_an_evaluation_by_its_folder_and_by_its_file(railyard, run, work):
    (run / "evaluation.json").write_text(json.dumps({"schema_version": 1, "metrics": {"loss": 1.5}}))
    facts = railyard("show", "run", "out=drawn", "json=true").json
    assert (facts["kind"], facts["metrics"]) == ("evaluation", {"loss": 1.5})
    assert (work / "drawn" / "facts.png").is_file()
    assert railyard("show", "run/evaluation.json", "json=true").json == facts
