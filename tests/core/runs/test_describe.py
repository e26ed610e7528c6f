"""What `show` says of a run, whole or damaged."""

import pytest

from railyard.core.runs.describe import describe_run
from railyard.core.runs.folder import write_config
from railyard.core.store import durable, journal


@pytest.fixture
def folder(tmp_path):
    """A run with two checkpoints, as training leaves it."""
    (tmp_path / "checkpoints").mkdir()
    write_config(tmp_path, {"seed": 3})
    durable.write_json(tmp_path / "provenance.json", {"command": ["railyard", "train"]})
    with journal.Journal(tmp_path / "metrics.jsonl") as rows:
        rows.append({"step": 10, "epoch": 0, "train/loss": 2.0})
        rows.append({"step": 20, "epoch": 0, "train/loss": 1.0, "val/loss": 1.5})
    files = {}
    for step in (10, 20):
        path = tmp_path / "checkpoints" / f"step-{step}.ckpt"
        path.write_bytes(b"weights %d" % step)
        files[path.name] = {"step": step, "sha256": durable.sha256_of(path)}
    content = {"last": "step-20.ckpt", "best": "step-10.ckpt", "files": files}
    durable.write_json(tmp_path / "checkpoints" / "manifest.json", content)
    (tmp_path / "init").mkdir()
    (tmp_path / "report.md").write_text("# x\n")
    return tmp_path


def test_a_whole_run(folder):
    facts = describe_run(folder)
    assert facts["kind"] == "run"
    assert (facts["seed"], facts["steps"]) == (3, 20)
    assert facts["metrics"] == {"train/loss": 1.0, "val/loss": 1.5}
    assert facts["checkpoints"] == {
        "last": "step-20.ckpt",
        "best": "step-10.ckpt",
        "whole": {"step-10.ckpt": True, "step-20.ckpt": True},
    }
    assert (facts["init"], facts["report"]) == (True, str(folder / "report.md"))
    assert facts["damaged"] == []


def test_a_run_that_was_just_started(tmp_path):
    write_config(tmp_path, {"seed": 3})
    facts = describe_run(tmp_path)
    assert (facts["steps"], facts["metrics"], facts["init"], facts["report"]) == (0, {}, False, None)
    assert facts["damaged"] == []


@pytest.mark.parametrize(
    ("name", "content", "reason"),
    [
        ("config.yaml", "a: [", "config.yaml is not readable YAML"),
        ("provenance.json", "{", "provenance.json is not valid JSON"),
        ("provenance.json", "[]", "provenance.json does not hold a JSON object"),
        ("checkpoints/manifest.json", '{"files', "manifest.json is not valid JSON"),
        ("checkpoints/step-20.ckpt", "torn", "step-20.ckpt is not as its manifest says"),
        ("checkpoints/step-10.ckpt", None, "step-10.ckpt is not as its manifest says"),
    ],
)
def test_damage_is_named_and_the_rest_is_shown(folder, name, content, reason):
    path = folder / name
    path.unlink() if content is None else path.write_text(content)
    facts = describe_run(folder)
    assert len(facts["damaged"]) == 1
    assert reason in facts["damaged"][0]
    assert facts["metrics"] == {"train/loss": 1.0, "val/loss": 1.5}


def test_damaged_metrics_are_named(folder):
    lines = (folder / "metrics.jsonl").read_text().splitlines()
    (folder / "metrics.jsonl").write_text("\n".join(["garbage", *lines]) + "\n")
    facts = describe_run(folder)
    assert "metrics.jsonl" in facts["damaged"][0]
    assert facts["checkpoints"]["best"] == "step-10.ckpt"
