"""Checkpoints: loaded without running code, committed by the manifest, kept whatever a kill interrupts."""

import errno
import json
import logging
import os
import pickle
from pathlib import Path

import pytest
import torch

from railyard.core.errors import RailyardError, UserError
from railyard.core.store import durable
from railyard.core.training.checkpoint import CheckpointFolder, DurableIO, load

CONTENT = {"state_dict": {"w": torch.arange(3.0)}, "callbacks": {"rows": 3}}


@pytest.fixture
def folder(tmp_path):
    return CheckpointFolder(tmp_path / "checkpoints")


def save(folder, step, best_value=None, keep=2):
    path = folder.path_for(step)
    DurableIO().save_checkpoint({**CONTENT, "global_step": step}, path)
    folder.commit(path, step, keep, best_value)
    return path


def on_disk(folder):
    return sorted(path.name for path in folder.folder.glob("step-*.ckpt"))


def names(*steps):
    return [f"step-{step:09d}.ckpt" for step in steps]


def reopened(folder):
    return CheckpointFolder(folder.folder)


def test_what_is_saved_is_loaded(tmp_path):
    DurableIO().save_checkpoint(CONTENT, tmp_path / "a.ckpt")
    loaded = DurableIO().load_checkpoint(tmp_path / "a.ckpt")
    assert torch.equal(loaded["state_dict"]["w"], CONTENT["state_dict"]["w"])
    assert loaded["callbacks"] == {"rows": 3}
    DurableIO().remove_checkpoint(tmp_path / "a.ckpt")
    assert not (tmp_path / "a.ckpt").exists()


class Payload:
    def __init__(self, path):
        self.path = path

    def __reduce__(self):
        return (os.mkdir, (str(self.path),))


@pytest.mark.parametrize("write", [torch.save, lambda content, path: path.write_bytes(pickle.dumps(content, 2))])
def test_a_checkpoint_with_code_is_refused_in_a_sentence_and_does_not_run_it(write, tmp_path):
    write({"state_dict": Payload(tmp_path / "ran")}, tmp_path / "evil.ckpt")
    with pytest.raises(UserError, match=r"evil\.ckpt cannot be read as plain tensors") as caught:
        load(tmp_path / "evil.ckpt")
    assert "\n" not in str(caught.value)
    assert not (tmp_path / "ran").exists()


@pytest.mark.parametrize("content", [b"", b"not an archive", b"PK\x03\x04 torn"])
def test_a_damaged_checkpoint_is_refused_in_a_sentence(content, tmp_path):
    (tmp_path / "a.ckpt").write_bytes(content)
    with pytest.raises(UserError, match=r"a\.ckpt cannot be read as plain tensors"):
        load(tmp_path / "a.ckpt")


def test_a_missing_checkpoint_is_named(tmp_path):
    with pytest.raises(UserError, match=r"there is no checkpoint .*none\.ckpt; give a \.ckpt file"):
        load(tmp_path / "none.ckpt")


def test_tensors_that_are_no_checkpoint_are_refused(tmp_path):
    torch.save({"w": torch.ones(1)}, tmp_path / "w.ckpt")
    with pytest.raises(UserError, match="is not a Lightning checkpoint: it has no state_dict"):
        load(tmp_path / "w.ckpt")


def test_the_manifest_names_last_and_best_with_their_bytes(folder):
    save(folder, 3, 0.5)
    path = save(folder, 6)
    content = json.loads((folder.folder / "manifest.json").read_text())
    assert (content["last"], content["best"], content["best_value"]) == (path.name, *names(3), 0.5)
    facts = content["files"][path.name]
    assert facts["bytes"] == path.stat().st_size
    assert facts["sha256"] == durable.sha256_of(path)


def test_links_lead_to_last_and_best(folder):
    save(folder, 3, 0.5)
    save(folder, 6)
    links = {role: os.readlink(folder.folder / f"{role}.ckpt") for role in ("last", "best")}  # noqa: PTH115
    assert links == {"last": names(6)[0], "best": names(3)[0]}


def test_the_newest_and_the_best_are_kept(folder):
    save(folder, 1, 0.1)
    for step in (2, 3, 4):
        save(folder, step)
    assert on_disk(folder) == names(1, 3, 4)


def test_what_was_best_when_a_kept_one_was_written_is_kept(folder):
    """Else falling back to step 3 would lose its best."""
    save(folder, 1, 0.5)
    save(folder, 2)
    save(folder, 3)
    save(folder, 4, 0.4)
    assert on_disk(folder) == names(1, 3, 4)
    save(folder, 5)
    assert on_disk(folder) == names(4, 5)


def test_saving_a_step_again_replaces_its_entry(folder):
    save(folder, 1)
    save(folder, 2)
    save(folder, 2, 0.5)
    assert list(folder.content["files"]) == names(1, 2)
    assert folder.content["best"] == names(2)[0]


def test_without_a_monitored_value_the_last_is_the_best(folder):
    assert folder.best() is None
    path = save(folder, 3)
    assert folder.best() == path
    assert not (folder.folder / "best.ckpt").exists()


def test_a_damaged_newest_is_passed_over_with_a_warning(folder, caplog):
    first = save(folder, 3)
    save(folder, 6).write_bytes(b"torn")
    with caplog.at_level(logging.WARNING):
        assert reopened(folder).newest_good() == first
    assert "step-000000006.ckpt is damaged or gone" in caplog.text


def test_a_missing_newest_is_passed_over(folder):
    first = save(folder, 3)
    save(folder, 6).unlink()
    assert reopened(folder).newest_good() == first


def test_nothing_good_left_is_said(folder):
    save(folder, 3).unlink()
    with pytest.raises(UserError, match="holds no complete checkpoint; start the run anew"):
        reopened(folder).newest_good()


def test_going_back_forgets_what_came_after(folder):
    save(folder, 1, 0.5)
    save(folder, 2)
    save(folder, 3, 0.4)
    folder.go_back_to(folder.path_for(2))
    content = reopened(folder).content
    assert (content["last"], content["best"], content["best_value"]) == (*names(2), *names(1), 0.5)
    assert on_disk(folder) == names(1, 2)


def test_an_unreadable_manifest_is_named(folder):
    save(folder, 1)
    (folder.folder / "manifest.json").write_text("{")
    with pytest.raises(UserError, match=r"manifest\.json is not valid JSON"):
        reopened(folder)
    (folder.folder / "manifest.json").write_text('{"schema_version": 9}')
    with pytest.raises(UserError, match="is not of schema_version 1"):
        reopened(folder)


class Killed(BaseException):
    pass


OPERATIONS = [(os, "fsync"), (Path, "replace"), (Path, "unlink"), (Path, "symlink_to")]


def killed_at(monkeypatch, number, work):
    """Run `work` and stop at the `number`-th disk operation; whether it came so far."""
    seen = 0

    def dying(original):
        def call(*args, **keys):
            nonlocal seen
            seen += 1
            if seen == number:
                raise Killed
            return original(*args, **keys)

        return call

    with monkeypatch.context() as patch:
        for owner, name in OPERATIONS:
            patch.setattr(owner, name, dying(getattr(owner, name)))
        try:
            work()
        except Killed:
            return True
    return False


def test_a_kill_between_any_two_steps_leaves_last_and_best_whole(tmp_path, monkeypatch):
    for number in range(1, 100):
        folder = CheckpointFolder(tmp_path / str(number))
        for step, value in ((1, 0.5), (2, None), (3, None)):
            save(folder, step, value)
        if not killed_at(monkeypatch, number, lambda folder=folder: save(folder, 4, 0.4)):
            break
        found = reopened(folder)
        assert found.newest_good().name == found.content["last"]
        assert found.content["last"] in names(3, 4)
        best = found.best()
        assert best.name == (names(4) if found.content["last"] == names(4)[0] else names(1))[0]
        assert load(best)
        assert load(folder.folder / "last.ckpt")
        assert load(folder.folder / "best.ckpt")
    assert number > 10


def test_a_full_disk_is_one_sentence_and_earlier_checkpoints_stay(folder, monkeypatch):
    path = save(folder, 3)
    before = path.read_bytes()
    opened = durable._create

    def tiny_disk(path, mode):
        file = opened(path, mode)
        write = file.write

        class Full:
            def __getattr__(self, name):
                return getattr(file, name)

            def __enter__(self):
                return self

            def __exit__(self, *_):
                file.close()

            def write(self, data):
                if file.tell() + len(data) > 600:
                    raise OSError(errno.ENOSPC, "No space left on device")
                return write(data)

        return Full()

    monkeypatch.setattr(durable, "_create", tiny_disk)
    with pytest.raises(RailyardError, match=r"no space left on device while writing .*step-000000006") as caught:
        DurableIO().save_checkpoint(CONTENT, folder.path_for(6))
    assert caught.value.exit_code == 1
    assert "\n" not in str(caught.value)
    assert (on_disk(folder), path.read_bytes()) == (names(3), before)
    assert not list(folder.folder.glob(".*tmp"))


def test_a_checkpoint_of_a_run_is_compared_with_its_manifest(folder):
    path = save(folder, 10, 0.5)
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 1
    path.write_bytes(data)
    for way in (path, folder.folder / "best.ckpt"):
        with pytest.raises(UserError, match=r"is damaged: its sha256 is not that of manifest.json"):
            load(way)


@pytest.mark.parametrize(
    "change",
    [
        {"files": []},
        {"files": {"../../x.ckpt": {"step": 1, "sha256": ""}}},
        {"last": "../x.ckpt"},
        {"best": 3},
        {"files": {"step-000000010.ckpt": {"step": "10", "sha256": ""}}},
        {"files": {"step-000000010.ckpt": None}},
    ],
)
def test_a_manifest_names_checkpoints_of_its_folder_only(folder, change):
    save(folder, 10)
    durable.write_json(folder.folder / "manifest.json", {**folder.content, **change})
    with pytest.raises(UserError, match=r"manifest.json(: (files|best)[.:]| does not list checkpoints of this folder)"):
        reopened(folder)


def test_a_manifest_is_there_before_the_first_checkpoint(folder):
    folder.begin()
    assert reopened(folder).content["files"] == {}
    save(folder, 10)
    folder.begin()
    assert list(reopened(folder).content["files"]) == names(10)
