"""Whole runs under `data.rejection`: rows, lines, lengths, a replay, a changed session, a plan that starts nothing."""

import json
import re
from pathlib import Path

import numpy as np
import pytest
import resume_harness as harness

from railyard.board.packs.annotations import ANNOTATION
from railyard.board.packs.pack import Pack

PACK = harness.FIXTURES / "03_pack"
MIXES = next(setting for setting in harness.SETTINGS if setting.name == "mixes of two phases")
FIGURES = r"loss=\d+\.\d{3} acc=\d\.\d{3} mix_samples=\{all: (\d+), left: (\d+)\}"
LINE = re.compile(rf"^\[Epoch (\d+), Step (\d+)\] {FIGURES}$")


def rows_of(folder):
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


@pytest.mark.slow
def test_a_run_tells_its_mixes_and_is_replayed(tmp_path):
    folder, counts = harness.uninterrupted(MIXES, tmp_path / "run")
    assert counts["batch"] == 11 + 11 + 4 + 4
    rows = [row for row in rows_of(folder) if "mix/all" in row]
    assert [row["step"] for row in rows] == list(range(3, 31, 3))
    assert {row["mix/all"] + row["mix/left"] for row in rows} == {3 * 36.0}
    assert all(row["mix_loss/all"] > 0 and 0 <= row["train/teacher_agreement"] <= 1 for row in rows)
    lines = (tmp_path / "run" / "stderr.txt").read_text().splitlines()
    told = [tuple(map(int, found.groups())) for line in lines if (found := LINE.match(line))]
    assert told == [(row["epoch"], row["step"], int(row["mix/all"]), int(row["mix/left"])) for row in rows]
    assert "epoch 0: left: 119 drawn, 3 unique, 116 repeated, 0 clipped; all matched 100.0 %" in lines
    assert harness.start(["replay", f"run={folder}"], tmp_path) == 0, (tmp_path / "stderr.txt").read_text()


@pytest.fixture
def session(tmp_path):
    """Annotations of a student that is wrong in every third row, as another program leaves them."""
    folder, pack = tmp_path / "session", Pack.open(PACK)
    folder.mkdir()
    steps, rows = pack.rows.gather(np.arange(len(pack))), np.zeros(len(pack), ANNOTATION)
    for name in ("run_id", "step_index"):
        rows[name] = steps[name]
    rows["teacher_move"], rows["legal_mask"], rows["policy_kind_mask"] = steps["move_dir"], 15, 7
    rows["argmax_head"] = (steps["move_dir"] + (np.arange(len(rows)) % 3 == 0)) % 4
    np.save(folder / "annotations-00000.npy", rows)
    kinds = {"policy_p1": 1, "policy_logprobs": 2, "policy_hard": 4, "policy_student_bins": 8}
    runs = [{"run_id": run, "policy_kind_mask": 7} for run in pack.runs.id.tolist()]
    manifest = {"kinds": kinds, "runs": runs, "student_bins": {"num_bins": 0}}
    (folder / "annotation_manifest.json").write_text(json.dumps(manifest))
    return folder


def short_form(session, *words, more=""):
    filters = "[{id: errors, name: student_wrong_p1, weight: 0.9}, {id: rest, name: all, weight: 0.1}]"
    rejection = f"data.rejection={{annotation_dir: {session}, seed: 20251015, filters: {filters}{more}}}"
    return harness.Setting("short form", (rejection, "trainer.max_epochs=1", *words))


@pytest.mark.slow
def test_a_resume_refuses_a_changed_session(session, tmp_path):
    folder, _ = harness.uninterrupted(short_form(session), tmp_path / "run")
    recorded = json.loads((folder / "provenance.json").read_text())["data"]["mixes"]
    assert recorded["errors"]["matched"] == 218
    assert recorded["rest"]["filter"]["name"] == "passthrough"
    manifest = session / "annotation_manifest.json"
    manifest.write_text(manifest.read_text() + " ")
    assert harness.start(["train", f"resume={folder}", "trainer.max_epochs=2"], tmp_path) == 2
    assert "the data of" in (tmp_path / "stderr.txt").read_text()


@pytest.mark.slow
@pytest.mark.parametrize(
    ("words", "more"), [(("validate_config=true",), ""), ((), ", validate_only: true")], ids=["call", "config"]
)
def test_a_plan_starts_nothing(words, more, session, tmp_path):
    words = ["train", *harness.TINY, *short_form(session, *words, more=more).words]
    assert harness.start(words, tmp_path) == 0, (tmp_path / "stderr.txt").read_text()
    assert not Path(tmp_path / "outputs").exists()
    text = (tmp_path / "stderr.txt").read_text()
    assert "mix        errors: student_wrong_p1 matched 33.3 %, 218 of 654 rows" in text
    assert "warning    phase 1: mix errors has 164 rows for" in text
