"""Strength in training: what is logged and when, games shared among ranks, a run that trains as it does without."""

import random
from pathlib import Path
from types import SimpleNamespace

import numpy as np
import pytest
import torch
from resume_harness import TINY

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.training import config, strength
from railyard.core.runs import metrics
from railyard.core.training.checkpoint import CheckpointFolder, load

NAMES = {f"strength/{name}" for name in ("mean_score", "low", "high")} | {
    f"strength/reach_{tile}" for tile in (2048, 4096, 8192, 16384, 32768, 65536)
}
PLAY = (
    "callbacks=[default,board_strength]",
    "callbacks.strength.every_n_validations=2",
    "callbacks.strength.games=4",
    "callbacks.strength.max_moves=20",
    "callbacks.strength.bucket=16",
    "trainer.max_epochs=3",
)


class Module:
    """Stands for a module in validation."""

    device = torch.device("cpu")

    def __init__(self):
        torch.manual_seed(0)
        knobs = Encoder(
            hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, output_n_bins=4
        )
        self.judged, self.logged = BoardEncoder(knobs).eval(), []

    def log_dict(self, figures):
        self.logged.append(figures)


@pytest.fixture
def module():
    return Module()


def callback(resumed=False, **knobs):
    return config.BoardStrength(**{"games": 5, "max_moves": 30, "bucket": 16, **knobs}).build(resumed=resumed)


def validate(part, module, times=1, sanity=False):
    trainer = SimpleNamespace(sanity_checking=sanity, callback_metrics={})
    for _ in range(times):
        part.on_validation_epoch_end(trainer, module)
    return module.logged


def test_the_first_and_every_kth_validation_plays(module):
    part = callback(every_n_validations=3)
    validate(part, module, sanity=True)
    assert module.logged == []
    assert len(validate(part, module, 7)) == 3
    assert set(module.logged[0]) == NAMES
    assert (
        module.logged[0]["strength/low"] < module.logged[0]["strength/mean_score"] < module.logged[0]["strength/high"]
    )


def test_every_generator_and_every_weight_stays_as_it_was(module):
    weights = [weight.clone() for weight in module.judged.parameters()]
    before = torch.get_rng_state(), random.getstate(), np.random.get_state()[1].tolist()
    validate(callback(), module)
    assert torch.equal(before[0], torch.get_rng_state())
    assert before[1:] == (random.getstate(), np.random.get_state()[1].tolist())
    assert all(torch.equal(*pair) for pair in zip(weights, module.judged.parameters(), strict=True))
    assert all(weight.grad is None for weight in module.judged.parameters())


@pytest.mark.parametrize("ranks", [2, 3, 8])
def test_ranks_play_each_game_once_and_find_the_same(module, monkeypatch, ranks):
    (alone,) = validate(callback(), module)
    shares = {}

    def gathered(own):
        shares[strength.distributed.rank()] = own
        return [*shares.values(), [(0, 0, 2, "a game, for a rank that has none")]][
            : len(shares) + (len(shares) < ranks)
        ]

    monkeypatch.setattr(strength.distributed, "world_size", lambda: ranks)
    monkeypatch.setattr(strength.distributed, "gathered", gathered)
    for rank in range(ranks):
        monkeypatch.setattr(strength.distributed, "rank", lambda rank=rank: rank)
        validate(callback(), module)
    assert sum(map(len, shares.values())) == 5
    assert module.logged[-1] == alone  # the last one has the games of all


def test_what_was_found_outlives_a_resume_and_is_not_handed_to_a_new_run(module):
    part = callback(every_n_validations=3)
    validate(part, module, 2)
    for resumed in (True, False):
        again, trainer = callback(resumed, every_n_validations=3), SimpleNamespace(callback_metrics={})
        again.load_state_dict(part.state_dict())
        again.on_train_start(trainer, module)
        assert (again.validations, set(trainer.callback_metrics)) == ((2, NAMES) if resumed else (0, set()))


@pytest.mark.slow
def test_a_run_with_it_trains_to_the_same_weights_and_keeps_the_strongest(railyard, work):
    """The same bits, also of the rows; the saver finds the figures of the validation that it follows."""
    best = ("callbacks.saver.monitor=strength/mean_score", "callbacks.saver.mode=max")
    plain = railyard("train", *TINY, *PLAY[-1:], "hydra.run.dir=plain", "json=true")
    playing = railyard(
        "train", *TINY, *PLAY, *best, "optimized_metric=strength/mean_score", "hydra.run.dir=playing", "json=true"
    )
    assert (plain.code, playing.code) == (0, 0), playing.err
    last = [CheckpointFolder(work / name / "checkpoints").newest_good() for name in ("plain", "playing")]
    plain, playing_too = (load(checkpoint)["state_dict"] for checkpoint in last)
    assert all(torch.equal(plain[name], playing_too[name]) for name in plain)
    rows = [metrics.read(Path(work / name)) for name in ("plain", "playing")]
    others = [{name: value for name, value in row.items() if name not in NAMES} for row in rows[1]]
    assert others == rows[0]
    validations = [row for row in rows[1] if "val/loss" in row]
    assert [set(row) >= NAMES for row in validations] == [True, False, True]
    assert playing.json["best"]["value"] == max(row["strength/mean_score"] for row in (validations[0], validations[2]))
