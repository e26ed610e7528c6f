"""Whole runs of the trainer: from a YAML file, stopped, killed and resumed, out of an open window, on two ranks."""

import json
from dataclasses import replace

import pytest
import resume_harness as harness
import stage2_runs
import torch
from stage2_runs import Setup

from railyard.core.errors import UserError
from railyard.core.runs import provenance
from railyard.core.store import journal
from railyard.core.training.checkpoint import load
from railyard.core.training.replay import held_against
from railyard.stage2.training.window import CHANNEL_B

pytestmark = pytest.mark.filterwarnings("ignore:.*LeafSpec:FutureWarning")

MODULE = "railyard.stage2.training.module.Stage2Module"
REUSE = {"rollout_buffer": {"enabled": True, "m_steps": 3}}
EXPERIMENT = """# @package _global_
defaults:
  - override /data: stage2_scenes
  - override /model: stage2_detector
  - override /objective: null
  - override /trainer: cpu
data: {{scenes: {scenes}, batch_size: 2}}
model:
  network:
    weights: {{hidden: 32, layers: 1, heads: 2, vision_hidden: 32, vision_layers: 1}}
trainer: {{max_epochs: 1, accumulate_grad_batches: 2, log_every_n_steps: 1, limit_val_batches: 0}}
callbacks: {{report: {{plots: false}}, throughput: {{every_n_steps: 1}}, saver: {{every_n_steps: 1}}}}
custom:
  trainer_variant: stage2_ab_training
  extra: {{rollout_matching: {{rollout_backend: scripted}}}}
stage2_ab:
  schedule: {{b_ratio: 0.5}}
  channel_b: {{semantic_desc_gate: {{model_name_or_path: nowhere/at-all, revision: abc}}}}
"""


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return stage2_runs.scenes_with_rollouts(tmp_path_factory.mktemp("scenes"))


def rows_of(run):
    return [row for row in journal.read(run / "metrics.jsonl") if "stage2/channel_b" in row]


def channels(run):
    return "".join("AB"[int(row["stage2/channel_b"] > 0)] for row in rows_of(run))


@pytest.fixture(scope="module")
def from_yaml(scenes, tmp_path_factory, request):
    """A run of both channels, and what was said."""
    place = tmp_path_factory.mktemp("yaml")
    (place / "conf" / "experiment").mkdir(parents=True)
    (place / "conf" / "experiment" / "mine.yaml").write_text(EXPERIMENT.format(scenes=scenes))
    code = harness.start(["train", "experiment=mine", "hydra.run.dir=run"], place)
    said = (place / "stderr.txt").read_text()
    assert code == 0, said
    return place / "run", said


@pytest.mark.slow
def test_a_yaml_file_is_enough_for_a_run_of_both_channels(from_yaml):
    run, _ = from_yaml
    assert channels(run) == "ABA"
    timings = journal.read(run / "timings.jsonl")
    names = {"time/forward", "time/encode", "time/parse_match", "time/rollout_generate", "rollout/gen_tokens_per_s"}
    assert names <= {name for line in timings for name in line}
    assert not any(name.startswith("time/") for row in journal.read(run / "metrics.jsonl") for name in row)
    assert json.loads((run / "init" / "config.json").read_text())["model_type"] == "qwen3_vl"
    for checkpoint in (run / "checkpoints").glob("step-*.ckpt"):
        assert load(checkpoint)["state_dict"]


@pytest.mark.slow
def test_a_gate_without_its_model_is_told_once_and_recorded(from_yaml):
    run, said = from_yaml
    assert said.count("the semantic gate is off") == 1
    told = provenance.read(run)["model"]["semantic_desc_gate"]
    assert told == {"path": "nowhere/at-all", "revision": "abc", "commit": None, "is_active": False}
    assert [row[f"{CHANNEL_B}/semantic_desc_gate/is_active"] for row in rows_of(run) if row["stage2/channel_b"]] == [0]


@pytest.mark.slow
@pytest.mark.parametrize(
    ("b_ratio", "losses", "stop"), [(0.0, {"n_softctx_iter": 2}, 2), (1.0, {}, 2), (0.5, {"n_softctx_iter": 1}, 3)]
)
def test_a_stopped_run_goes_on_to_the_same_bits(scenes, tmp_path, b_ratio, losses, stop):
    """Both channels; the second and the third stop inside a window that is used again."""
    setup = Setup(
        scenes, b_ratio, losses=losses, rollouts=REUSE, trainer={"accumulate_grad_batches": 2, "max_epochs": 2}
    )
    stage2_runs.train(tmp_path / "whole", setup)
    stage2_runs.train(tmp_path / "run", replace(setup, trainer={**setup.trainer, "max_steps": stop}))
    stage2_runs.train(tmp_path / "run", setup, resumed=True)
    found = held_against(tmp_path / "whole", tmp_path / "run")
    assert found["identical"], found
    assert len(rows_of(tmp_path / "whole")) == 6


@pytest.mark.slow
def test_a_share_of_the_batches_cuts_each_epoch(scenes, tmp_path):
    """As debug=limit does."""
    for name, limit in (("share", 0.5), ("count", 3)):
        setup = Setup(scenes, 0.0, batch_size=2, trainer={"limit_train_batches": limit, "max_epochs": 2})
        stage2_runs.train(tmp_path / name, setup)
    assert rows_of(tmp_path / "share") == rows_of(tmp_path / "count")
    assert len(rows_of(tmp_path / "share")) == 6


@pytest.mark.slow
def test_a_new_run_out_of_an_open_window_goes_on_with_it_at_share_0(scenes, tmp_path):
    setup = Setup(scenes, 1.0, rollouts=REUSE, trainer={"accumulate_grad_batches": 2, "max_steps": 1})
    stage2_runs.train(tmp_path / "first", setup)
    (checkpoint,) = (tmp_path / "first" / "checkpoints").glob("step-*.ckpt")
    assert load(checkpoint)["stage2_open_window"]["uses"] == 1
    goes_on = {"accumulate_grad_batches": 2, "max_steps": 5, "max_epochs": 5}
    other = replace(setup, b_ratio=0.0, trainer=goes_on, keys={"ckpt_path": str(checkpoint)})
    stage2_runs.train(tmp_path / "other", other)
    assert channels(tmp_path / "other") == "BBAA"
    assert [row.get(f"{CHANNEL_B}/is_reuse_step") for row in rows_of(tmp_path / "other")] == [1, 1, None, None]


@pytest.mark.slow
def test_an_init_of_this_rail_is_trained_further_and_one_of_another_is_refused(scenes, tmp_path):
    from railyard.stage2.model.config import Folder

    stage2_runs.train(tmp_path / "run", Setup(scenes, 0.0, trainer={"max_steps": 1}))
    further = Setup(
        scenes, 0.0, trainer={"max_steps": 1}, network={"weights": Folder(folder=tmp_path / "run" / "init")}
    )
    assert stage2_runs.train(tmp_path / "further", further)["steps"] == 1
    (tmp_path / "board").mkdir()
    (tmp_path / "board" / "config.json").write_text("{}")
    other = replace(further, network={"weights": Folder(folder=tmp_path / "board")})
    with pytest.raises(UserError, match=r"holds no Qwen3-VL, but one of another rail"):
        stage2_runs.train(tmp_path / "no", other)


def words(scenes, *more):
    """The command line of a small run."""
    shape = ("hidden=32", "layers=1", "heads=2", "vision_hidden=32", "vision_layers=1")
    return (
        *("data=stage2_scenes", "model=stage2_detector", "objective=null", "trainer=cpu", f"data.scenes={scenes}"),
        *("custom.trainer_variant=stage2_ab_training", "stage2_ab.schedule.b_ratio=0.5", "data.batch_size=2"),
        *("stage2_ab.channel_b.semantic_desc_gate.enabled=false", "trainer.accumulate_grad_batches=2"),
        *("custom.extra.rollout_matching.rollout_backend=hf", "custom.extra.rollout_matching.max_new_tokens=12"),
        *("custom.extra.rollout_matching.decode_mode=sample", "custom.extra.rollout_matching.temperature=1.0"),
        *("custom.extra.rollout_matching.rollout_buffer.enabled=true", "trainer.max_epochs=2"),
        *("custom.extra.rollout_matching.rollout_buffer.m_steps=2", "trainer.log_every_n_steps=1"),
        *("callbacks.saver.every_n_steps=1", "callbacks.report.plots=false", "trainer.limit_val_batches=1"),
        *("callbacks.saver.monitor=eval_rollout_recall", "callbacks.saver.mode=max"),
        *(f"model.network.weights.{word}" for word in shape),
        *more,
    )


@pytest.mark.slow
def test_a_killed_run_ends_with_the_same_bits(scenes, tmp_path):
    """Sampled rollouts by the model, both channels, windows used twice, two micro-batches a step."""
    setting = harness.Setting("stage2", base=words(scenes), module=MODULE)
    for outcome in harness.trials(setting, 6, 2, tmp_path):  # in a batch, in a validation
        assert outcome.differences == [], [*map(str, outcome.kills), outcome.codes]
        assert outcome.hits or any(kill.delay for kill in outcome.kills)


@pytest.mark.slow
def test_two_ranks_take_the_same_channels_and_learn_the_same(scenes, tmp_path):
    """Two ranks of one sample as one of two: the same rollouts, losses and gradients to 1e-5."""
    found = {}
    for devices, batch_size in ((1, 2), (2, 1)):
        given = words(scenes, f"trainer.devices={devices}", f"data.batch_size={batch_size}", "trainer.max_steps=2")
        folder = tmp_path / str(devices)
        folder.mkdir()
        assert harness.start(["train", *given, "hydra.run.dir=run"], folder) == 0, (folder / "stderr.txt").read_text()
        found[devices] = folder / "run"
    one, two = rows_of(found[1]), rows_of(found[2])
    assert channels(found[1]) == channels(found[2]) == "AB"
    for row, other in zip(one, two, strict=True):
        assert {name: value for name, value in other.items() if name != "crc"} == pytest.approx(
            {name: value for name, value in row.items() if name != "crc"}, rel=1e-5, abs=1e-9
        )
    windows = [load(run / "checkpoints" / "step-000000002.ckpt")["stage2_open_window"] for run in found.values()]
    assert windows[0] == windows[1]
    of_one, of_two = (first_gradients(run) for run in found.values())
    assert of_one.keys() == of_two.keys() != set()
    for name, gradient in of_one.items():
        assert torch.allclose(of_two[name], gradient, rtol=0, atol=1e-5 * gradient.abs().max().item()), name


def first_gradients(run):
    """Of the first step, by the weight's number: AdamW then has a tenth of them as their running mean."""
    (optimizer,) = load(run / "checkpoints" / "step-000000001.ckpt")["optimizer_states"]
    return {number: 10 * state["exp_avg"] for number, state in optimizer["state"].items()}
