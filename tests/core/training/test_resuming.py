"""What may change when a run goes on, and what follows from its folder, its call and its ranks."""

import json

import pytest
import yaml

from railyard.core.errors import UserError
from railyard.core.runs.folder import differences
from railyard.core.training.resuming import changed_for_resume, resumed_config

STORED = {
    "seed": 1,
    "json": True,
    "resume": None,
    "validate_config": False,
    "trainer": {"max_epochs": 2, "max_steps": -1, "accumulate_grad_batches": 1},
    "data": {"workers": 0, "batch_size": 8},
    "callbacks": {"progress": {"every_seconds": 10.0}, "saver": {"keep": 2}},
    "logger": {},
    "paths": {"output_dir": "/old/run"},
}


def composed(**changes):
    new = yaml.safe_load(yaml.safe_dump(STORED))
    for key, value in changes.items():
        node = new
        *above, last = key.split("__")
        for part in above:
            node = node[part]
        node[last] = value
    return new


@pytest.mark.parametrize(
    ("key", "value"),
    [("trainer.max_epochs", 5), ("trainer.max_steps", 9), ("data.workers", 2), ("logger", {"tensorboard": {"a": 1}})],
)
def test_what_may_change(key, value):
    changed = changed_for_resume(STORED, composed(**{key.replace(".", "__"): value}), [key])
    assert differences(STORED, changed)
    node = changed
    for part in key.split("."):
        node = node[part]
    assert node == value


@pytest.mark.parametrize(
    "key",
    [
        "seed",
        "data.batch_size",
        "data",
        "trainer",
        "trainer.accumulate_grad_batches",
        "model.x",
        "callbacks.saver.keep",
    ],
)
def test_what_may_not_change_is_refused_with_advice(key):
    with pytest.raises(UserError, match=f"^{key} may not change on resume") as caught:
        changed_for_resume(STORED, STORED, [key])
    assert "trainer.max_epochs" in str(caught.value)
    assert "ckpt_path=" in str(caught.value)


def test_only_the_given_keys_are_taken():
    changed = changed_for_resume(STORED, composed(trainer__max_epochs=5, seed=9), ["trainer.max_epochs"])
    assert changed == {**STORED, "trainer": {**STORED["trainer"], "max_epochs": 5}}
    assert STORED["trainer"]["max_epochs"] == 2


def test_a_deleted_part_is_dropped():
    new = composed()
    del new["callbacks"]["progress"]
    assert changed_for_resume(STORED, new, ["callbacks.progress"])["callbacks"] == {"saver": {"keep": 2}}


def test_a_resumed_config_follows_its_folder_and_its_call(tmp_path):
    stored = {**STORED, "logger": {"t": {"save_dir": "/old/run/tb", "list": ["/old/run"]}}, "other": "/old/runs"}
    new = composed(resume="x", json=False, validate_config=True)
    config, changes = resumed_config(stored, new, ["resume", "json", "validate_config"], tmp_path)
    assert changes == []
    assert config["logger"]["t"] == {"save_dir": f"{tmp_path}/tb", "list": [str(tmp_path)]}
    assert config["other"] == "/old/runs"
    assert config["paths"]["output_dir"] == str(tmp_path)
    assert (config["json"], config["validate_config"], config["resume"]) == (False, True, "x")


def began_with(folder, rows):
    (folder / "provenance.json").write_text(json.dumps({"global_batch": rows}))


def on_devices(devices, folder):
    stored = {**STORED, "data": {"batch_size": 16}, "trainer": {"accelerator": "cpu", "devices": 2}}
    new = {"trainer": {"devices": devices}}
    return resumed_config(stored, new, ["trainer.devices"], folder)


@pytest.mark.parametrize(("devices", "share"), [(1, 32), (2, 16), (4, 8)])
def test_other_ranks_share_the_same_global_batch(devices, share, tmp_path):
    began_with(tmp_path, 32)
    config, changes = on_devices(devices, tmp_path)
    assert config["data"]["batch_size"] == share
    assert (f"data.batch_size: 16 -> {share}" in changes) == (share != 16)


def test_ranks_that_cannot_share_the_global_batch_are_refused(tmp_path):
    began_with(tmp_path, 32)
    with pytest.raises(UserError, match=r"begun in batches of 32 rows over all ranks, which 3 ranks cannot share"):
        on_devices(3, tmp_path)


@pytest.mark.parametrize("section", ["trainer", "data"])
def test_sections_that_are_none_are_left_to_the_check(section, tmp_path):
    began_with(tmp_path, 32)
    config, _ = resumed_config({**STORED, section: "x"}, {}, [], tmp_path)
    assert config[section] == "x"


def test_a_run_that_did_not_come_far_keeps_its_batch(tmp_path):
    assert on_devices(4, tmp_path)[0]["data"]["batch_size"] == 16
    began_with(tmp_path, None)
    assert on_devices(4, tmp_path)[0]["data"]["batch_size"] == 16


def test_a_stored_config_admits_no_class_by_itself(tmp_path):
    stored = {**STORED, "allow": ["mine.Model"]}
    with pytest.raises(UserError, match=r"add allow=\[mine.Model\]"):
        resumed_config(stored, composed(), [], tmp_path)
    config, _ = resumed_config(stored, composed(allow=["mine.Model"]), ["allow", "experiment"], tmp_path)
    assert config["allow"] == ["mine.Model"]
