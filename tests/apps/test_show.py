"""`railyard show` tells artifacts apart by the files they have."""

import json
import shutil
from pathlib import Path

import pytest

from railyard.core.runs.folder import write_config
from railyard.core.store import durable

FIXTURES = Path(__file__).parents[1] / "fixtures" / "board"


def test_a_run_whole_and_damaged(railyard, work):
    write_config(work / "run", {"seed": 4}) if (work / "run").mkdir() is None else None
    facts = railyard("show", "path=run", "json=true").json
    assert (facts["kind"], facts["seed"], facts["damaged"]) == ("run", 4, [])
    (work / "run" / "config.yaml").write_text("seed: [")
    done = railyard("show", "path=run", "json=true")
    assert done.code == 1
    assert "not readable YAML" in done.json["damaged"][0]
    assert "run is damaged: run/config.yaml is not readable YAML" in done.err


def test_an_init_folder(railyard):
    facts = railyard("show", f"path={FIXTURES / '08_encoder_binned_gqa'}", "json=true").json
    assert facts["kind"] == "init folder"
    assert facts["parameters"] > 0


def test_a_pack_made_elsewhere(railyard):
    facts = railyard("show", f"path={FIXTURES / '03_pack'}", "json=true").json
    assert facts["kind"] == "pack"
    assert "no manifest" in facts["integrity"]


def test_a_pack_that_is_not_as_its_manifest_says(railyard, work):
    shutil.copytree(FIXTURES / "03_pack", work / "pack")
    durable.write_manifest(work / "pack", {})
    assert railyard("show", "path=pack").code == 0
    (work / "pack" / "valuation_types.json").write_text((work / "pack" / "valuation_types.json").read_text() + " ")
    done = railyard("show", "path=pack", "out=facts.json", "json=true")
    assert (done.code, done.json["rows"]) == (1, json.loads((work / "facts.json").read_text())["rows"])
    assert "valuation_types.json differs from manifest.json" in done.json["damaged"][0]


def test_a_damaged_tokenizer(railyard, work):
    (work / "broken.json").write_text("{")
    done = railyard("show", "path=broken.json")
    assert (done.code, done.out) == (1, "")
    assert "broken.json is not valid JSON" in done.err


@pytest.mark.parametrize("path", ["nothing", "empty", "text.txt"])
def test_what_it_cannot_show(railyard, work, path):
    (work / "empty").mkdir()
    (work / "text.txt").write_text("x")
    done = railyard("show", f"path={path}")
    assert (done.code, done.out) == (2, "")
    assert path in done.err


def test_a_damaged_init_folder_is_one_sentence(railyard, work):
    shutil.copytree(FIXTURES / "08_encoder_binned_gqa", work / "init")
    weights = work / "init" / "model.safetensors"
    weights.write_bytes(weights.read_bytes()[:100])
    done = railyard("show", "path=init")
    assert (done.code, done.out) == (1, "")
    assert "model.safetensors" in done.err
