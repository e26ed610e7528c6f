"""A replay gives the same bits, says what is not as it was, and finds a difference of one bit."""

import re
import shutil
import signal

import pytest
import torch
from resume_harness import FIXTURES, TINY, Kill, run_folder, start
from tiny import train

from railyard.core.errors import UserError
from railyard.core.runs import run_state
from railyard.core.runs.folder import read_config, write_config
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.core.training.replay import count, differing, held_against, repeated, replay

COMMAND = ["railyard", "replay"]
TRAIN = (*TINY, "trainer.max_epochs=1", "callbacks.report.plots=false")


@pytest.fixture
def threads():
    before = torch.get_num_threads()
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def trained(tmp_path_factory):
    """A finished run of thirteen steps; copied before it is changed."""
    work = tmp_path_factory.mktemp("trained")
    assert start(["train", *TRAIN], work) == 0, (work / "stderr.txt").read_text()
    return run_folder(work)


@pytest.fixture
def run(trained, tmp_path):
    return shutil.copytree(trained, tmp_path / "run", symlinks=True)


def again(run, tmp_path):
    folder = tmp_path / "again"
    folder.mkdir()
    return replay(run, folder, COMMAND)


@pytest.mark.slow
@pytest.mark.parametrize("spoil", [False, True], ids=["identical", "versions differ"])
def test_the_same_bits(run, tmp_path, threads, spoil):
    if spoil:
        facts = read_json(run / "provenance.json")
        facts["packages"]["torch"] = "2.0.0"
        durable.write_json(run / "provenance.json", facts)
    found = again(run, tmp_path)
    assert found["identical"], found
    assert found["init"]["different"] == []
    assert found["checkpoint"]["tensors"] > 20
    assert [line for line in found["differs"] if "torch" in line] == (
        [f"packages.torch: '2.0.0' -> '{torch.__version__}'"] if spoil else []
    )


@pytest.mark.slow
def test_another_seed_is_found(run, tmp_path, threads):
    config = read_config(run)
    write_config(run, {**config, "seed": 99})
    found = again(run, tmp_path)
    assert not found["identical"]
    assert found["metrics"]["first_difference"]["row"] == 1
    assert found["init"]["different"] == ["model.safetensors"]
    assert "state_dict." in found["checkpoint"]["first"][0]


@pytest.mark.slow
@pytest.mark.parametrize("number", [signal.SIGKILL, signal.SIGTERM])
def test_a_run_that_did_not_finish_is_repeated_to_its_last_checkpoint(tmp_path, threads, number):
    work = tmp_path / "work"
    work.mkdir()
    start(["train", *TRAIN, "trainer.max_epochs=4"], work, Kill(number, "batch", 17))
    found = again(run_folder(work), tmp_path)
    assert found["identical"], found
    assert found["step"] == (15 if number == signal.SIGKILL else 17)


@pytest.mark.slow
def test_by_the_command_line_with_its_exit_codes(trained, tmp_path):
    work = tmp_path / "work"
    shutil.copytree(trained.parents[3], work, symlinks=True)
    assert start(["replay", f"run={trained.name[-6:]}"], work) == 0, (work / "stderr.txt").read_text()
    (replayed,) = (work / "outputs" / "replay" / "none").iterdir()
    assert run_state.read(replayed)["metrics"]["identical"] is True
    config = work / "outputs" / "train" / "none" / trained.name / "config.yaml"
    config.write_text(re.sub(r"(?m)^seed: 0$", "seed: 1", config.read_text()))
    assert start(["replay", f"run={trained.name}"], work) == 1
    assert "the replay differs from" in (work / "stderr.txt").read_text()


def refusal(run, tmp_path):
    with pytest.raises(UserError) as refused:
        again(run, tmp_path)
    assert "\n" not in str(refused.value)
    return str(refused.value)


@pytest.fixture
def stub(tmp_path):
    """A run folder with what is looked at before anything is built."""
    folder = tmp_path / "stub"
    (folder / "checkpoints").mkdir(parents=True)
    manifest = {
        "schema_version": 1,
        "last": None,
        "best": None,
        "best_value": None,
        "files": {"step-000000003.ckpt": {"step": 3, "sha256": ""}},
    }
    durable.write_json(folder / "checkpoints" / "manifest.json", manifest)
    durable.write_json(folder / "provenance.json", {"command": ["railyard", "train"], "threads": 1})
    write_config(folder, {"seed": 1})
    return folder


def test_what_cannot_be_repeated_is_one_sentence(stub, tmp_path):
    (stub / ".hydra" / "resume-1").mkdir(parents=True)
    (stub / ".hydra" / "resume-1" / "overrides.yaml").write_text("['++data.workers=2', '++trainer.max_epochs=9']")
    assert "resumed with another trainer.max_epochs (resume-1)" in refusal(stub, tmp_path)


def test_a_resume_that_changed_nothing_of_weight_is_no_hindrance(stub, tmp_path):
    (stub / ".hydra" / "resume-1").mkdir(parents=True)
    (stub / ".hydra" / "resume-1" / "overrides.yaml").write_text("['++data.workers=2', '++resume=x', 'logger=csv']")
    assert "not a config of this version" in refusal(stub, tmp_path)  # the stub's config is the next thing looked at


def test_a_run_without_checkpoints(stub, tmp_path):
    (stub / "checkpoints" / "manifest.json").unlink()
    assert "saved no checkpoint" in refusal(stub, tmp_path)


def test_a_run_of_another_verb(stub, tmp_path):
    durable.write_json(stub / "provenance.json", {"command": ["railyard", "evaluate"]})
    assert "not a run of `railyard train`" in refusal(stub, tmp_path)


def test_a_run_that_never_began(stub, tmp_path):
    (stub / "provenance.json").unlink()
    assert "has no provenance.json" in refusal(stub, tmp_path)


def changed_data(run, key, value):
    config = read_config(run)
    config["data"][key] = value
    write_config(run, config)


@pytest.mark.slow
def test_missing_and_changed_data(run, tmp_path):
    changed_data(run, "pack", str(tmp_path / "gone"))
    assert "gone" in refusal(run, tmp_path)
    shutil.rmtree(tmp_path / "again")
    changed_data(run, "pack", str(FIXTURES / "03_pack"))
    changed_data(run, "tokenizer", str(FIXTURES / "04_tokenizer_v2_8.json"))
    facts = read_json(run / "provenance.json")
    facts["data"]["pack_fingerprint"] = "another"
    durable.write_json(run / "provenance.json", facts)
    assert "has changed: pack_fingerprint was another" in refusal(run, tmp_path)


def test_the_config_moves_with_its_folder_and_loses_its_trackers(tmp_path):
    config = {"paths": {"output_dir": "/old"}, "x": "/old/y", "logger": {"wandb": {}}, "resume": "/old"}
    assert repeated(config, tmp_path) == {
        "paths": {"output_dir": str(tmp_path)},
        "x": f"{tmp_path}/y",
        "logger": None,
        "resume": None,
        "validate_config": False,
    }
    assert config["logger"] == {"wandb": {}}


def test_two_small_runs_are_held_against_each_other(tmp_path):
    for name, seed in (("a", 0), ("same", 0), ("other", 1)):
        train(tmp_path / name, seed=seed)
    assert held_against(tmp_path / "a", tmp_path / "same")["identical"]
    found = held_against(tmp_path / "a", tmp_path / "other")
    assert not found["identical"]
    assert found["checkpoint"]["different"] > 0


def test_trees_are_compared_bit_by_bit():
    first = {"a": [torch.zeros(3), 1.5], "b": torch.tensor([1.0, 2.0])}
    assert list(differing(first, {"a": [torch.zeros(3), 1.5], "b": torch.tensor([1.0, 2.0])}, "x")) == []
    second = {"a": [-torch.zeros(3), 1.5], "b": torch.tensor([1.0, 2.25])}
    assert list(differing(first, second, "x")) == [
        "x.a.0: 0 of 3 values, at most 0 apart",
        "x.b: 1 of 2 values, at most 0.25 apart",
    ]
    assert list(differing(torch.ones(2), torch.ones(3), "x")) == ["x: (2,) torch.float32 and (3,) torch.float32"]
    assert list(differing({"a": 1}, {"b": True}, "x")) == ["x.a: 1 and None", "x.b: None and True"]
    assert list(differing([1], [1, 2], "x")) == ["x: a list and a list"]
    assert list(differing(torch.tensor(float("nan")), torch.tensor(float("nan")), "x")) == []
    assert count(first) == 2
