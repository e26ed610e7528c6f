"""The run folder: claimed by one, locked while written, changed on resume only where that is allowed."""

import fcntl
import json
import os
import signal
import subprocess
import sys

import pytest
import yaml

from railyard.core.errors import UserError
from railyard.core.runs import lock
from railyard.core.runs.folder import claim, differences, name_of, new_name, read_config, write_config
from railyard.core.runs.provenance import _git_state, provenance
from railyard.core.runs.signals import StopSignals
from railyard.core.store.lock import _held, is_locked, locked
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


def test_names_are_in_order_of_time_and_differ(tmp_path):
    first, second = new_name(tmp_path), new_name(tmp_path)
    assert first != second
    assert first.parent == tmp_path
    assert first.name[:10] <= second.name[:10]
    assert not first.exists()


def test_a_folder_is_claimed_once(tmp_path):
    folder = tmp_path / "a" / "b"
    assert claim(folder)
    assert not claim(folder)


def test_only_one_of_many_processes_claims(tmp_path):
    folder = str(tmp_path / "x")
    code = f"from pathlib import Path; from railyard.core.runs.folder import claim; print(claim(Path({folder!r})))"
    started = [subprocess.Popen([sys.executable, "-c", code], stdout=subprocess.PIPE, text=True) for _ in range(3)]
    assert sorted(process.communicate(timeout=60)[0].strip() for process in started) == ["False", "False", "True"]


def test_a_locked_folder_refuses_another_process_and_lets_its_own_in(tmp_path):
    code = f"""
from pathlib import Path
from railyard.core.errors import UserError
from railyard.core.store.lock import locked
try:
    with locked(Path({str(tmp_path)!r})): print("in")
except UserError as fault:
    print(fault)
"""

    def another():
        return subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, timeout=60, check=True
        ).stdout

    with locked(tmp_path), locked(tmp_path):
        assert "is being written by another process" in another()
    assert another() == "in\n"


def test_whether_a_folder_is_being_written(tmp_path):
    assert not is_locked(tmp_path)
    with locked(tmp_path):
        assert is_locked(tmp_path)
    assert not is_locked(tmp_path)


def test_somebody_who_looks_does_not_turn_a_writer_away(tmp_path, monkeypatch):
    (tmp_path / ".lock").touch()
    with (tmp_path / ".lock").open() as looking:
        fcntl.flock(looking, fcntl.LOCK_SH)
        monkeypatch.setattr(lock.time, "sleep", lambda seconds: looking.close())
        with locked(tmp_path):
            assert is_locked(tmp_path)


def test_what_a_run_is_called(tmp_path):
    assert name_of(tmp_path / "2026-11-20T11-43-48Z_04364b") == "2026-11-20T11-43-48Z_04364b"
    assert name_of(tmp_path / "2026-11-20T11-43-48Z_04364b" / "7") == "2026-11-20T11-43-48Z_04364b/7"


def test_the_lock_is_given_back_after_a_failure(tmp_path):
    with pytest.raises(ValueError, match="x"), locked(tmp_path):
        raise ValueError("x")
    with locked(tmp_path):
        assert tmp_path.resolve() in _held
    assert tmp_path.resolve() not in _held


def test_the_config_comes_back_as_written(tmp_path):
    write_config(tmp_path, STORED)
    assert read_config(tmp_path) == STORED


@pytest.mark.parametrize(
    ("content", "reason"),
    [(None, "not a run folder"), ("a: [", "not readable YAML"), ("- 1", "does not hold a mapping"), ("", "mapping")],
)
def test_a_config_that_cannot_be_read(tmp_path, content, reason):
    if content is not None:
        (tmp_path / "config.yaml").write_text(content)
    with pytest.raises(UserError, match=reason):
        read_config(tmp_path)


def test_code_in_a_stored_config_is_not_run(tmp_path):
    (tmp_path / "config.yaml").write_text(f"a: !!python/object/apply:os.mkdir ['{tmp_path}/hit']\n")
    with pytest.raises(UserError, match="not readable"):
        read_config(tmp_path)
    assert not (tmp_path / "hit").exists()


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


def test_a_run_that_did_not_come_far_keeps_its_batch(tmp_path):
    assert on_devices(4, tmp_path)[0]["data"]["batch_size"] == 16
    began_with(tmp_path, None)
    assert on_devices(4, tmp_path)[0]["data"]["batch_size"] == 16


def test_differences_name_the_leaves():
    assert differences({"a": {"b": 1, "c": 2}}, {"a": {"b": 3, "c": 2}, "d": None}) == ["a.b: 1 -> 3"]
    assert differences({"a": 1}, {}) == ["a: 1 -> None"]
    assert differences({}, {"x": {"y": 1}}) == ["x: None -> {'y': 1}"]
    assert differences(STORED, STORED) == []


def test_provenance_says_what_ran():
    facts = provenance(["railyard", "train"], 5, data={"pack": "sha"})
    assert facts["command"] == ["railyard", "train"]
    assert (facts["seed"], facts["data"]) == (5, {"pack": "sha"})
    assert len(facts["code"]["source_sha256"]) == 64
    assert facts["packages"]["hydra-core"] == "1.3.8"


def test_the_git_state_of_an_installed_package_is_unknown(monkeypatch, tmp_path):
    monkeypatch.setattr(
        "railyard.core.runs.provenance.__file__", str(tmp_path / "a" / "b" / "c" / "d" / "provenance.py")
    )
    assert _git_state() == {"git_commit": None, "git_dirty": None}


def test_the_first_signal_is_noted_and_the_second_interrupts():
    before = signal.getsignal(signal.SIGTERM)
    with StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGTERM)
        assert stop.requested == "SIGTERM"
        with pytest.raises(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
    assert signal.getsignal(signal.SIGTERM) is before


def test_a_closed_terminal_stops_a_run_and_nohup_does_not():
    before = signal.getsignal(signal.SIGHUP)
    with StopSignals() as stop:
        os.kill(os.getpid(), signal.SIGHUP)
        assert stop.requested == "SIGHUP"
    assert signal.getsignal(signal.SIGHUP) == before
    signal.signal(signal.SIGHUP, signal.SIG_IGN)
    try:
        with StopSignals() as stop:
            os.kill(os.getpid(), signal.SIGHUP)
            assert stop.requested is None
    finally:
        signal.signal(signal.SIGHUP, before)


def test_a_stored_config_admits_no_class_by_itself(tmp_path):
    stored = {**STORED, "allow": ["mine.Model"]}
    with pytest.raises(UserError, match=r"add allow=\[mine.Model\]"):
        resumed_config(stored, composed(), [], tmp_path)
    config, _ = resumed_config(stored, composed(allow=["mine.Model"]), ["allow", "experiment"], tmp_path)
    assert config["allow"] == ["mine.Model"]
