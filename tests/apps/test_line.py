"""Train, show, evaluate, resume: one small run through the real verbs, in processes of their own."""

import json
import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import railyard as package

pytestmark = pytest.mark.slow
SMALL = ["model.encoder.hidden_size=32", "model.encoder.intermediate_size=64", "model.encoder.num_hidden_layers=1"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    return tmp_path_factory.mktemp("line")


def call(folder, *words):
    environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
    command = [sys.executable, "-m", "railyard.cli", *words]
    return subprocess.run(command, capture_output=True, text=True, cwd=folder, env=environment, timeout=300)


@pytest.fixture(scope="module")
def trained(folder, tiny_pack, tiny_tokenizer):
    """A run of one epoch in `run`, and what the command printed."""
    words = [f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", "data.batch_size=64", *SMALL]
    done = call(
        folder, "train", "experiment=board/quickstart", *words, "trainer.max_epochs=1", "hydra.run.dir=run", "json=true"
    )
    assert done.returncode == 0, done.stderr
    return json.loads(done.stdout.splitlines()[-1])


def test_a_run_is_shown(folder, trained):
    facts = json.loads(call(folder, "show", "path=run", "json=true").stdout.splitlines()[-1])
    assert (facts["kind"], facts["steps"]) == ("run", trained["steps"])
    assert facts["damaged"] == []
    assert all(facts["checkpoints"]["whole"].values())
    assert json.loads(call(folder, "show", "path=run/init", "json=true").stdout)["kind"] == "init folder"


def test_a_run_is_evaluated(folder, trained):
    done = call(folder, "evaluate", "run=run", "device=cpu", "json=true")
    assert done.returncode == 0, done.stderr
    assert Path(json.loads(done.stdout.splitlines()[-1])["report"]).is_file()


def test_resume_prints_what_changed_and_refuses_the_rest(folder, trained):
    shutil.copytree(folder / "run", folder / "copy", symlinks=True)
    refused = call(folder, "train", "resume=copy", "seed=3")
    assert (refused.returncode, refused.stdout) == (2, "")
    assert "seed may not change on resume" in refused.stderr
    checked = call(folder, "train", "resume=copy", "logger=tensorboard", "trainer.max_epochs=2", "validate_config=true")
    assert checked.returncode == 0, checked.stderr
    assert "changed    trainer.max_epochs: 1 -> 2" in checked.stderr
    assert "changed    logger.tensorboard: None -> " in checked.stderr
    assert not (folder / "copy" / ".hydra" / "resume-1").exists()
    before = (folder / "run" / "config.yaml").read_bytes()
    done = call(folder, "train", "resume=copy", "trainer.max_epochs=2", "json=true")
    assert done.returncode == 0, done.stderr
    assert json.loads(done.stdout.splitlines()[-1])["steps"] == 2 * trained["steps"]
    assert (folder / "copy" / ".hydra" / "resume-1" / "overrides.yaml").is_file()
    assert (folder / "run" / "config.yaml").read_bytes() == before  # a copied run leaves its original alone


def test_a_trainer_that_cannot_be_is_one_sentence(folder, tiny_pack, tiny_tokenizer):
    words = [f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", "data.batch_size=64", *SMALL]
    done = call(folder, "train", "experiment=board/quickstart", *words, "trainer.devices=0")
    assert done.returncode == 2, done.stderr
    assert "trainer.devices: must be a number from 1" in done.stderr
    assert "Traceback" not in done.stderr
