"""conf/schema.json is the frozen list of keys: what the code takes, what shipped files hold, what was given up."""

import importlib.metadata
import importlib.util
import json
from pathlib import Path

import pytest
import yaml
from json_schema import faults

from railyard.core import rail
from railyard.core.config import legacy
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import bundled
from railyard.core.config.targets import TABLE

ROOT = Path(__file__).resolve().parents[1]
CONF = bundled("conf")
FROZEN = json.loads((CONF / "schema.json").read_text(encoding="utf-8"))
FILES = [file for group in ("experiment", "debug", "hparams_search") for file in sorted((CONF / group).rglob("*.yaml"))]
RECIPES = [str(file.relative_to(CONF / "experiment").with_suffix("")) for file in FILES if "experiment" in file.parts]
AGAIN = "run .venv/bin/python scripts/schema.py"


@pytest.fixture(scope="module")
def script():
    spec = importlib.util.spec_from_file_location("schema_script", ROOT / "scripts" / "schema.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


@pytest.fixture(scope="module")
def current(script):
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(rail, "_registered", {})  # another test may have told this process of one
        return json.loads(json.dumps(script.schema()))


def own(schema):
    """Definitions of Railyard's own roots and parts, without what they say to people."""
    return {name: frozen(part) for name, part in schema["definitions"].items() if name not in TABLE}


def frozen(node):
    if isinstance(node, list):
        return [frozen(item) for item in node]
    if not isinstance(node, dict):
        return node
    return {key: frozen(part) for key, part in node.items() if not (key == "description" and isinstance(part, str))}


def keys(schema):
    return {f"{name}.{key}" for name, part in own(schema).items() for key in part.get("properties", ())}


def test_removed_and_renamed_keys_have_a_legacy_entry(current):
    gone = sorted(keys(FROZEN) - keys(current))
    without = [key for key in gone if not any(key.endswith(f".{old.rpartition('.')[2]}") for old in legacy.KEYS)]
    assert without == [], f"add the old names to src/railyard/core/config/legacy.py, then {AGAIN}"


def test_the_frozen_list_is_that_of_the_code(current):
    assert own(FROZEN) == own(current), AGAIN


def is_tested(name):
    """Whether the installed version is the one of constraints.txt."""
    lines = dict(line.split("==") for line in (ROOT / "constraints.txt").read_text().splitlines() if "==" in line)
    return importlib.metadata.version(name).partition("+")[0] == lines[name]


@pytest.mark.skipif(
    not (is_tested("torch") and is_tested("lightning")), reason="keys of the tested versions are listed"
)
def test_keys_of_lightning_and_torch_are_those_of_the_tested_versions(current):
    listed = {name: FROZEN["definitions"].get(name) for name in TABLE}
    assert listed == {name: current["definitions"][name] for name in TABLE}, AGAIN


def test_the_page_of_old_names_is_that_of_the_table(script):
    text = (ROOT / "docs" / "coming_from.md").read_text(encoding="utf-8")
    assert text == script.page(text), AGAIN
    assert "| `trainer.gpus` | refused | write trainer.devices" in text


def test_the_page_of_stage2_has_the_settings_of_the_code(script):
    text = (ROOT / "docs" / "stage2_settings.md").read_text(encoding="utf-8")
    assert text == script.settings_page(text), AGAIN
    assert "| `schedule.b_ratio` | required | number >= 0, <= 1 |" in text
    assert '| `softctx_grad_mode` | `"unroll"` | `unroll`, `em_detach` |' in text


@pytest.mark.parametrize("file", FILES, ids=lambda file: file.stem)
def test_shipped_files_are_admitted(file):
    assert list(faults(yaml.safe_load(file.read_text(encoding="utf-8")), FROZEN, FROZEN)) == []


@pytest.mark.parametrize("name", RECIPES)
def test_composed_recipes_are_admitted(name, work):
    given = {"stage2": ["data.scenes=p"], "stage2/ab_tiny": ["data.scenes=p", "model.network.weights.folder=p"]}
    data = given.get(name) or given.get(name.partition("/")[0]) or ["data.pack=p"]
    words = [f"experiment={name}", "seed=0", *data]
    container, _ = Composition("train", words).container()
    assert list(faults(container, FROZEN["definitions"]["train"], FROZEN)) == []


@pytest.mark.parametrize(
    ("config", "fault"),
    [
        ({"sead": 1}, "sead: unknown"),
        ({"seed": -1}, "seed: -1 is not of 0"),
        ({"data": {"batchsize": 1}}, "data.batchsize: unknown"),
        ({"data": {"batch_size": "many"}}, "data.batch_size: 'many' is not of"),
        ({"model": {"encoder": {"dropout_prob": 1.0}}}, "model.encoder.dropout_prob: 1.0 is not of 1"),
        ({"trainer": {"max_step": 1}}, "trainer.max_step: unknown"),
        ({"trainer": {"max_steps": "1"}}, "trainer.max_steps: '1' is not of"),
        ({"data": {"_target_": "railyard.board.training.config.PackDat"}}, "data._target_: 'railyard"),
        ({"callbacks": {"saver": {"monitr": "x"}}}, "callbacks.saver.monitr: unknown"),
    ],
)
def test_mistakes_are_seen(config, fault):
    found = list(faults(config, FROZEN, FROZEN))
    assert any(line.startswith(fault) for line in found), found


def test_interpolations_and_classes_of_ones_own_are_admitted():
    mine = {"seed": "${oc.env:SEED}", "data": {"pack": "???"}, "model": {"_target_": "mine.Model", "width": 3}}
    assert list(faults(mine, FROZEN, FROZEN)) == []
