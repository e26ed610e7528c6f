"""Distributions of a model, against the reference's and against plain softmax."""

import hashlib
import json
import shutil
from pathlib import Path

import numpy as np
import pytest
import torch

from railyard.board.model.answers import Wanted
from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.inference import AnsweringModel, facts_of, forward_distributions, model_hash
from railyard.board.model.init_folder import read_init
from railyard.core.errors import UserError

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


def test_the_hash_of_a_model_is_that_of_its_config_and_float32_weights():
    model, _ = read("08_encoder_binned_gqa")
    found = model_hash(model)
    assert found == model_hash(read("08_encoder_binned_gqa")[0])
    with torch.no_grad():
        model.final_ln.weight[0] += 1
    changed = model_hash(model)
    model.config = model.config.model_copy(update={"dropout_prob": 0.3})
    assert len({found, changed, model_hash(model)}) == 3


EVERYTHING = Wanted(True, True, True, True)


def boards(count, seed=0):
    return np.random.default_rng(seed).integers(0, 12, (count, 16)).astype(np.uint8)


def with_values():
    torch.manual_seed(0)
    fields = {"hidden_size": 24, "num_hidden_layers": 1, "intermediate_size": 24, "output_n_bins": 5}
    heads = [{"name": "p_die", "dim": 1}, {"name": "steps", "dim": 8}]
    return BoardEncoder(Encoder(**fields, value_heads=heads))


@pytest.mark.parametrize("folder", ["08_encoder_binned_gqa", "08_encoder_action_policy"])
def test_an_answer_holds_what_the_heads_say(folder):
    model, expected = read(folder)
    tokens = expected["tokens"].astype(np.uint8)
    count = len(tokens)
    answers = AnsweringModel(model, "cpu").answer(tokens, count, EVERYTHING)
    with torch.inference_mode():
        hidden, heads, _ = model(torch.from_numpy(tokens))
    if isinstance(heads, list):
        logits, probabilities = torch.stack(heads, dim=1), torch.stack(heads, dim=1).softmax(dim=-1)
    else:
        logits, probabilities = heads.unsqueeze(-1), heads.softmax(dim=-1).unsqueeze(-1)
    np.testing.assert_array_equal(answers.logits_B4N, logits)
    np.testing.assert_array_equal(answers.probabilities_B4N, probabilities)
    np.testing.assert_array_equal(answers.embeddings_BD, hidden.mean(dim=1))
    np.testing.assert_array_equal(answers.best_B, probabilities[:, :, -1].numpy().argmax(axis=1))
    np.testing.assert_array_equal(answers.mass_B, probabilities[:, :, -1].numpy().max(axis=1))
    assert answers.values_BV.shape == (count, 0)
    assert answers.best_B.dtype == np.uint8


def test_value_heads_stand_side_by_side_as_logits():
    model = with_values().eval()
    answers = AnsweringModel(model, "cpu").answer(boards(16), 16, Wanted(values=True))
    with torch.inference_mode():
        values = model(torch.from_numpy(boards(16))).values
    np.testing.assert_array_equal(answers.values_BV, torch.cat([values["p_die"], values["steps"]], dim=1))


@pytest.mark.parametrize("wanted", [Wanted(), Wanted(False, True), EVERYTHING])
def test_what_is_not_wanted_is_not_there_and_changes_nothing(wanted):
    model = with_values()
    whole = AnsweringModel(model, "cpu").answer(boards(16), 16, EVERYTHING)
    for part, expected in zip(
        AnsweringModel(model, "cpu").answer(boards(16), 16, wanted), whole.only(wanted), strict=True
    ):
        assert (part is None) == (expected is None)
        assert part is None or np.array_equal(part, expected)


def test_a_pass_of_one_size_answers_the_same_however_full_it_is():
    answering = AnsweringModel(with_values(), "cpu")
    whole = answering.answer(boards(64), 64, EVERYTHING)
    for first, end in ((0, 1), (0, 63), (5, 40)):
        for part, expected in zip(
            answering.answer(boards(64)[first:end], 64, EVERYTHING), whole.rows(first, end), strict=True
        ):
            np.testing.assert_array_equal(part, expected)


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore::DeprecationWarning")  # of torch.jit, which the compiler itself still imports
def test_a_compiled_pass_answers_as_a_plain_one_does():
    plain = AnsweringModel(with_values(), "cpu").answer(boards(20), 64, EVERYTHING)
    compiled = AnsweringModel(with_values(), "cpu", compiled=True).answer(boards(20), 64, EVERYTHING)
    for part, expected in zip(compiled, plain, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-5)


@pytest.mark.gpu
@pytest.mark.parametrize(("compiled", "graphs"), [(False, True), (True, False), (True, True)])
def test_recorded_and_compiled_passes_answer_as_plain_ones_do(compiled, graphs):
    plain = AnsweringModel(with_values(), "cuda").answer(boards(100), 256, EVERYTHING)
    answering = AnsweringModel(with_values(), "cuda", compiled=compiled, graphs=graphs)
    answering.answer(boards(256, seed=1), 256, EVERYTHING)
    for part, expected in zip(answering.answer(boards(100), 256, EVERYTHING), plain, strict=True):
        np.testing.assert_allclose(part, expected, atol=1e-5)


def test_what_a_server_tells_of_a_model():
    model, _ = read("08_encoder_binned_gqa")
    init = FIXTURES / "08_encoder_binned_gqa"
    facts, stored = facts_of(model, init), (init / "tokenizer.json").read_bytes()
    assert (facts.head_type, facts.bin_count, facts.hidden_size) == ("binned_ev", 11, 32)
    assert (facts.tokenizer_type, list(facts.vocab_labels)) == (
        *(json.loads(stored)["tokenizer_type"], json.loads(stored)["vocab_order"]),
    )
    assert (facts.model_hash, facts.tokenizer_hash) == (model_hash(model), hashlib.sha256(stored).hexdigest())
    assert facts_of(with_values(), FIXTURES).value_heads == (("p_die", 1), ("steps", 8))
    assert facts_of(with_values(), FIXTURES).tokenizer_hash == ""


def test_a_tokenizer_with_odd_names_is_one_sentence(tmp_path):
    init = tmp_path / "init"
    shutil.copytree(FIXTURES / "08_encoder_binned_gqa", init)
    (init / "tokenizer.json").write_text('{"vocab_order": ["A", 2]}')
    with pytest.raises(UserError, match=r"tokenizer.json: vocab_order.1: Input should be a valid string: restore it"):
        facts_of(read_init(init)[0], init)
