"""Distributions of a model, against the reference's and against plain softmax."""

from pathlib import Path

import numpy as np
import torch

from railyard.board.model.inference import forward_distributions
from railyard.board.model.init_folder import read_init

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"


def read(folder):
    return read_init(FIXTURES / folder)[0], np.load(FIXTURES / folder / "io.npz")


def test_binned_heads_match_the_reference():
    model, expected = read("08_encoder_binned_gqa")
    heads = forward_distributions(model, torch.from_numpy(expected["tokens"]))
    reference = np.load(FIXTURES / "08_encoder_binned_gqa" / "forward_distributions.npy")
    np.testing.assert_allclose(torch.stack(heads, dim=1), reference, rtol=0, atol=1e-5)
    assert {head.dtype for head in heads} == {torch.float32}


def test_an_action_policy_gives_one_distribution_over_moves():
    model, expected = read("08_encoder_action_policy")
    policy = forward_distributions(model, torch.from_numpy(expected["tokens"]))
    exponentials = np.exp(expected["logits"])
    np.testing.assert_allclose(policy, exponentials / exponentials.sum(axis=1, keepdims=True), atol=1e-5)


def test_the_model_is_put_into_evaluation_mode_only_when_asked():
    model, expected = read("08_encoder_binned_gqa")
    tokens = torch.from_numpy(expected["tokens"])
    model.train()
    first, second = (forward_distributions(model, tokens, set_eval=False)[0] for _ in range(2))
    assert model.training
    assert not torch.equal(first, second)
    forward_distributions(model, tokens)
    assert not model.training
