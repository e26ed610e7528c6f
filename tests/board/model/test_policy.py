"""A model as a policy of players, against its heads."""

from pathlib import Path

import numpy as np
import torch

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.inference import forward_distributions
from railyard.board.model.init_folder import read_init
from railyard.board.model.policy import ModelPolicy

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"


def read(folder):
    return read_init(FIXTURES / folder)[0], np.load(FIXTURES / folder / "io.npz")


def test_a_policy_answers_with_distributions_and_the_mean_of_the_hidden_states():
    model, expected = read("08_encoder_binned_gqa")
    tokens = expected["tokens"].astype(np.uint8)
    answer = ModelPolicy(model, "cpu", embeddings=True)(tokens)
    heads = forward_distributions(model, torch.from_numpy(tokens))
    np.testing.assert_array_equal(answer.heads, torch.stack(heads, dim=1))
    np.testing.assert_allclose(answer.embeddings_BD, expected["hidden"].mean(axis=1), atol=1e-5)
    assert ModelPolicy(model, "cpu")(tokens).embeddings_BD is None


def test_a_policy_over_the_moves_stays_one():
    model, expected = read("08_encoder_action_policy")
    tokens = expected["tokens"].astype(np.uint8)
    answer = ModelPolicy(model, "cpu")(tokens)
    np.testing.assert_array_equal(answer.heads, forward_distributions(model, torch.from_numpy(tokens)))


def test_a_policy_answers_with_the_logits_of_value_heads_where_they_are_asked_for():
    torch.manual_seed(0)
    fields = {"hidden_size": 24, "num_hidden_layers": 1, "intermediate_size": 24, "output_n_bins": 5}
    model = BoardEncoder(Encoder(**fields).with_value_heads(["p_die", "reach_16384"])).eval()
    tokens = np.random.default_rng(0).integers(0, 12, (16, 16)).astype(np.uint8)
    answer = ModelPolicy(model, "cpu", values=True)(tokens)
    with torch.inference_mode():
        expected = model(torch.from_numpy(tokens)).values
    assert list(answer.values) == ["p_die", "reach_16384"]
    for name, logits in answer.values.items():
        np.testing.assert_array_equal(logits, expected[name])
        assert (logits.shape, logits.dtype) == ((16, 1), np.float32)
    assert ModelPolicy(model, "cpu")(tokens).values is None
    assert ModelPolicy(read("08_encoder_binned_gqa")[0], "cpu", values=True)(tokens).values == {}


def test_a_board_in_a_pass_of_one_size_has_one_answer_whatever_stands_beside_it():
    model, _ = read("08_encoder_binned_gqa")
    policy, boards = ModelPolicy(model, "cpu"), np.random.default_rng(0).integers(0, 12, (64, 16)).astype(np.uint8)
    whole = policy(boards).heads
    for order in (np.arange(64)[::-1], np.random.default_rng(1).permutation(64)):
        np.testing.assert_array_equal(policy(np.ascontiguousarray(boards[order])).heads, whole[order])
