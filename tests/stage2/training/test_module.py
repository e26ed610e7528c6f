"""The trainer with two channels, step by step without Lightning's loop: windows, shares, reuse, checkpoints, faults."""

from itertools import islice
from types import SimpleNamespace

import numpy as np
import pytest
import stage2_runs
import torch
from stage2_runs import Setup

from railyard.core.errors import Diverged, RailyardError
from railyard.stage2.matching.counts import STRICT_DROP
from railyard.stage2.rollout.parsing import BUCKETS
from railyard.stage2.training.window import CHANNEL_B

REUSE = {"rollout_buffer": {"enabled": True, "m_steps": 3}}


@pytest.fixture(scope="module")
def scenes(tmp_path_factory):
    return stage2_runs.scenes_with_rollouts(tmp_path_factory.mktemp("scenes"))


class Steps:
    """A module and its loader in a loop of our own: no optimizer moves a weight unless a test does."""

    def __init__(self, setup, accumulate=2, b_ratio=None):
        torch.manual_seed(0)
        experiment = setup.experiment()
        self.trainer = SimpleNamespace(accumulate_grad_batches=accumulate, global_rank=0, world_size=1, global_step=0)
        self.data = experiment.data.build()
        self.data.trainer = self.trainer
        self.module = experiment.model.build(data=self.data, total_steps=10, **experiment.of_rail())
        self.module.trainer = self.trainer
        self.module.log = lambda *_, **__: None
        self.loader = self.data.train_dataloader()
        self.accumulate = accumulate

    def run(self, steps):
        """The figures of each of the next steps, by name."""
        found = []
        for index, micro in enumerate(islice(iter(self.loader), steps * self.accumulate)):
            self.loss = self.module.training_step(micro, index) / self.accumulate
            self.loss.backward()
            if micro.index == 0:
                found.append([])
            found[-1].append((self.loss.item(), self.module.take_figures()))
            if micro.index == self.accumulate - 1:
                self.trainer.global_step += 1
        return [self.row(parts) for parts in found]

    def row(self, parts):
        from railyard.core.training import figures

        total = figures.added(figure for _, figure in parts)
        return {"loss": sum(loss for loss, _ in parts)} | {name: figure.value() for name, figure in total.items()}

    @property
    def gradient(self):
        weights = self.module.detector.parameters()
        return torch.cat([weight.grad.reshape(-1) for weight in weights if weight.grad is not None])


@pytest.mark.parametrize("b_ratio", [0.0, 1.0])
def test_loss_and_gradient_do_not_depend_on_how_a_window_is_cut(scenes, b_ratio):
    found = {}
    for batch_size, accumulate in ((8, 1), (4, 2), (2, 4), (1, 8)):
        steps = Steps(Setup(scenes, b_ratio, batch_size), accumulate)
        (row,) = steps.run(1)
        found[batch_size] = row, steps.gradient
    whole, gradient = found[8]
    for row, other in (found[4], found[2], found[1]):
        assert row["loss"] == pytest.approx(whole["loss"], rel=1e-5)
        assert row["train/loss"] == pytest.approx(row["loss"], rel=1e-5)
        assert torch.allclose(other, gradient, atol=1e-5 * gradient.abs().max().item())
        assert row == pytest.approx(whole, rel=1e-5)


def test_channels_follow_from_the_step_and_a_step_has_one(scenes):
    rows = Steps(Setup(scenes, 0.5)).run(4)
    assert [(row["stage2/channel_a"], row["stage2/channel_b"]) for row in rows] == [(1, 0), (0, 1)] * 2


def test_counters_of_channel_b_add_up(scenes):
    (row,) = Steps(Setup(scenes, 1.0)).run(1)
    dropped = sum(row[f"{STRICT_DROP}/reason/{bucket}"] for bucket in BUCKETS)
    assert row[f"{STRICT_DROP}/N_drop_invalid"] == dropped > 0
    assert (
        row["rollout/valid_pred_objects"]
        == row[f"{STRICT_DROP}/N_valid_pred"]
        == row["rollout/fp"] + row[f"{CHANNEL_B}/semantic_desc_gate/pairs"]
    )
    assert row["rollout/gt_objects"] == row["rollout/fn"] + row[f"{CHANNEL_B}/semantic_desc_gate/pairs"]
    assert row["stage2/raw_rollouts"] == 4


LOSSES = ("ce", "bbox_smoothl1", "bbox_ciou", "coord", *(f"coord_{x}" for x in ("ce", "soft_ce", "w1", "gate")))
LOGGED = {
    *("stage2/channel_a", "stage2/channel_b", "stage2/raw_rollouts", "loss/nonfinite_rows"),
    *(f"loss/{name}" for name in (*LOSSES, "coord_el1", "coord_ehuber", "coord_entropy")),
    *(
        f"{CHANNEL_B}/{name}"
        for name in ("is_reuse_step", "b2_skipped", "stop_neutral/N_skip", "stop_neutral/N_merged")
    ),
    *(f"{CHANNEL_B}/semantic_desc_gate/{name}" for name in ("is_active", "accepted", "pairs")),
    *(f"{STRICT_DROP}/{name}" for name in ("N_valid_pred", "N_drop_invalid", *(f"reason/{each}" for each in BUCKETS))),
    *(f"rollout/{name}" for name in ("precision", "recall", "f1", "fp", "fn", "match_rate", "gt_objects")),
    *(f"rollout/{name}" for name in ("valid_pred_objects", "gating_rejections", "matched_iou_mean", "max_same_desc")),
    *(f"rollout/{name}" for name in ("parse_truncated_rate", "near_duplicate_rate", "pred_per_gt")),
    *(f"rollout/{side}_len_{what}" for side in ("prompt", "rollout", "target") for what in ("mean", "p90")),
    "rollout/argmax_disagreement",
}


def test_a_step_of_channel_b_logs_all_keys_of_the_contract(scenes):
    steps = Steps(Setup(scenes, 1.0))
    (row,) = steps.run(1)
    assert row.keys() - {"loss", "train/loss"} == LOGGED
    assert row["loss/coord"] == pytest.approx(row["loss/bbox_smoothl1"] + row["loss/bbox_ciou"])
    assert row["train/loss"] == pytest.approx(row["loss/ce"] + row["loss/coord"])
    timings = {"time/forward", "time/rollout_generate", "time/parse_match", "time/encode", "rollout/gen_tokens_per_s"}
    assert steps.module.take_timings().keys() == timings
    assert steps.module.take_timings() == {}


def test_reuse_steps_learn_from_the_same_rollouts_and_count_them_again(scenes):
    steps = Steps(Setup(scenes, 1.0, rollouts=REUSE))
    asked = []
    generate = steps.module.rollouts.generate
    steps.module.rollouts.generate = lambda samples, *rest: asked.append(len(samples)) or generate(samples, *rest)
    rows = steps.run(4)
    assert asked == [4, 4]
    assert [row[f"{CHANNEL_B}/is_reuse_step"] for row in rows] == [0, 1, 1, 0]
    cached = [{name: value for name, value in row.items() if name.startswith("rollout/")} for row in rows]
    assert cached[0] == cached[1] == cached[2] != cached[3]


def continued(scenes, b_ratio, taken=1, change=None):
    """A run out of an open window under another share, as its checkpoint goes through `ckpt_path=`."""
    first = Steps(Setup(scenes, 1.0, rollouts=REUSE))
    first.run(taken)
    checkpoint = {}
    first.module.on_save_checkpoint(checkpoint)
    second = Steps(Setup(scenes, b_ratio, rollouts=REUSE))
    second.loader.load_state_dict(first.loader.state_dict())
    second.module.on_load_checkpoint(change(checkpoint) if change else checkpoint)
    second.trainer.global_step = taken
    return first, second


def test_an_open_window_stays_channel_b_whatever_the_share_is_then(scenes):
    first, second = continued(scenes, 0.0)
    second.module.rollouts = None  # nothing is generated
    rows = second.run(4)
    assert [row["stage2/channel_b"] for row in rows] == [1, 1, 0, 0]
    assert [row.get(f"{CHANNEL_B}/is_reuse_step") for row in rows] == [1, 1, None, None]
    (whole,) = first.run(1)
    assert {**rows[0], "loss": 0} == {**whole, "loss": 0}


def test_a_window_that_is_done_is_not_in_the_checkpoint(scenes):
    steps = Steps(Setup(scenes, 1.0, rollouts=REUSE))
    steps.run(3)
    checkpoint = {}
    steps.module.on_save_checkpoint(checkpoint)
    assert checkpoint == {}


def test_the_position_in_the_data_goes_on_across_epochs_of_the_trainer(scenes):
    """11 samples, four a step: three steps are an epoch."""
    first, second = Steps(Setup(scenes, 0.0)), Steps(Setup(scenes, 0.0))
    first.run(3)
    second.data.load_state_dict(first.data.state_dict())
    micro = next(iter(second.data.train_dataloader()))
    assert (micro.step, micro.stretch.epoch, micro.stretch.start) == (3, 1, 0)


def test_other_samples_in_an_open_window_are_refused(scenes):
    def other(checkpoint):
        (window,) = checkpoint.values()
        samples = {place: line + 1 for place, line in window["samples"].items()}
        return {"stage2_open_window": {**window, "samples": samples}}

    _, second = continued(scenes, 1.0, change=other)
    with pytest.raises(RailyardError, match=r"step 1 was to learn again.*the loader gives other samples"):
        second.run(1)


def test_an_open_window_without_its_rollouts_is_refused(scenes):
    _, second = continued(scenes, 1.0, change=lambda _: {})
    with pytest.raises(RailyardError, match="learn again from rollouts that the checkpoint does not hold"):
        second.run(1)


def test_a_loader_at_another_step_is_refused(scenes):
    steps = Steps(Setup(scenes, 0.0))
    steps.trainer.global_step = 3
    with pytest.raises(RailyardError, match="the loader is at optimizer step 0, but the trainer at 3"):
        steps.run(1)


def test_a_short_last_window_is_the_mean_of_what_it_has(scenes):
    """11 samples in batches of 4: the second window of two batches has one, of 3 samples."""
    steps = Steps(Setup(scenes, 0.0, batch_size=4))
    rows = steps.run(2)
    alone = Steps(Setup(scenes, 0.0, batch_size=4), accumulate=1).run(3)
    assert rows[1]["loss"] == pytest.approx(alone[2]["loss"], rel=1e-5)
    assert steps.loss.item() == 0.0  # the empty micro-batch


def test_weights_that_are_not_finite_have_diverged(scenes):
    steps = Steps(Setup(scenes, 0.0))
    with torch.no_grad():
        steps.module.detector.rows_KH.fill_(torch.nan)
        next(steps.module.detector.model.parameters()).fill_(torch.nan)
    with pytest.raises(Diverged, match="the loss of step 0 is not finite for any token"):
        steps.run(1)


def random_rollouts(steps, seed):
    """Rollouts of random tokens, of which many are braces, quotes and coordinates."""
    rng = np.random.default_rng(seed)
    vocabulary = steps.module.detector.vocabulary
    text = '{"object_1": {"desc": "red circle", "bbox_2d": ["<|coord_5|>", "<|coord_9|>"'
    usual = np.array([*vocabulary.encode(text), *vocabulary.coord_ids_1000[:40], vocabulary.im_end])

    def generate(samples, decode, seeds):
        return [rng.choice(usual, rng.integers(0, 60)).tolist() for _ in samples]

    return generate


def hold_counts(row):
    dropped = sum(row[f"{STRICT_DROP}/reason/{bucket}"] for bucket in BUCKETS)
    assert row[f"{STRICT_DROP}/N_drop_invalid"] == dropped
    assert all(np.isfinite(value) for value in row.values())
    assert row["rollout/gt_objects"] >= row["rollout/fn"]


def test_a_model_that_writes_garbage_is_no_accident(scenes):
    steps = Steps(Setup(scenes, 1.0))
    steps.module.rollouts.generate = random_rollouts(steps, 3)
    for row in steps.run(12):
        hold_counts(row)
    assert steps.gradient.isfinite().all()


def test_rollouts_are_those_of_the_weights_that_are_trained(scenes):
    steps = Steps(Setup(scenes, 1.0, rollouts={"rollout_backend": "hf", "max_new_tokens": 6}))
    written = []
    generate = steps.module.rollouts.generate
    steps.module.rollouts.generate = lambda *given: written.append(generate(*given)) or written[-1]
    steps.run(1)
    again = generate(
        [sample for batch in next(iter(steps.data.train_dataloader())).batches for sample in batch],
        steps.module.matching,
        [0] * 4,
    )
    assert written[0] == again
    with torch.no_grad():
        for weight in steps.module.detector.parameters():
            weight += 0.2 * torch.randn_like(weight)
    moved = generate(
        [sample for batch in next(iter(steps.data.train_dataloader())).batches for sample in batch],
        steps.module.matching,
        [0] * 4,
    )
    assert moved != again
    assert steps.module.detector.training


def test_the_config_names_who_rolls_out(scenes):
    vllm = {"rollout_backend": "vllm", "vllm": {"base_url": "http://127.0.0.1:8000"}}
    found = [Steps(Setup(scenes, 1.0, rollouts=keys)).module.rollouts for keys in ({}, {"rollout_backend": "hf"}, vllm)]
    assert [type(each).__name__ for each in found] == ["Scripted", "HfRollouts", "VllmRollouts"]


def test_only_what_is_trained_is_kept_of_adapters_on_a_folder(scenes, tmp_path):
    from railyard.stage2.model.config import Folder, Lora

    steps = Steps(Setup(scenes, 0.0))
    assert set(steps.module.kept_weights()) == set(steps.module.state_dict())
    steps.module.write_init(tmp_path / "init")
    network = {"weights": Folder(folder=tmp_path / "init"), "tuning": Lora(rank=2)}
    adapted = Steps(Setup(scenes, 0.0, network=network))
    kept = adapted.module.kept_weights()
    assert kept
    assert all(".lora_" in name or name.endswith("rows_KH") for name in kept)
    assert adapted.module.knobs.stands_on()["folder"] == str(tmp_path / "init")
