"""The network against reference outputs, and its attention against a loop over single heads."""

import json
import math
from pathlib import Path

import numpy as np
import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import Attention, BoardEncoder
from railyard.board.model.init_folder import read_init
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
FOLDERS = ["08_encoder_action_policy", "08_encoder_binned_gqa"]
FACTS = json.loads((FIXTURES / "08_encoder_facts.json").read_text())

SMALL = {
    "input_vocab_size": 17,
    "output_n_bins": 7,
    "hidden_size": 24,
    "num_hidden_layers": 2,
    "num_attention_heads": 6,
    "num_key_value_heads": 3,
    "intermediate_size": 48,
    "dropout_prob": 0.0,
}


@pytest.mark.parametrize("folder", FOLDERS)
def test_reference_outputs(folder):
    model, _ = read_init(FIXTURES / folder)
    expected = np.load(FIXTURES / folder / "io.npz")
    with torch.inference_mode():
        outputs = model.eval()(torch.from_numpy(expected["tokens"]))
    hidden, heads, values = outputs
    assert outputs.as_pair() == (hidden, heads)
    logits = heads if isinstance(heads, torch.Tensor) else torch.stack(heads, dim=1)
    assert values == {}
    np.testing.assert_allclose(hidden, expected["hidden"], rtol=0, atol=1e-5)
    np.testing.assert_allclose(logits, expected["logits"], rtol=0, atol=1e-5)


@pytest.mark.parametrize(
    ("facts", "fields"),
    [
        ("binned_gqa_sinks", {**SMALL, "use_attention_sinks": True, "use_qk_norm": True}),
        (
            "binned_mha_qknorm",
            {
                **SMALL,
                "hidden_size": 32,
                "num_attention_heads": 4,
                "num_key_value_heads": None,
                "use_qk_norm": True,
            },
        ),
    ],
)
def test_names_order_and_shapes_of_weights(facts, fields):
    weights = BoardEncoder(Encoder(**fields)).state_dict()
    assert [(name, list(weight.shape)) for name, weight in weights.items()] == list(FACTS[facts]["state_dict"].items())


def attention_head_by_head(attention, config, x_BTD):
    """Obvious attention: each query head alone, with its own key-value head and its own sink."""
    queries_a_kv_head = config.num_attention_heads // config.key_value_heads
    outputs = []
    for head in range(config.num_attention_heads):
        kv = head % config.key_value_heads
        q = attention.q_norm(x_BTD @ rows_of(attention.wq, head, config).T)
        k = attention.k_norm(x_BTD @ rows_of(attention.wk, kv, config).T)
        exponentials = torch.exp(q @ k.transpose(1, 2) / math.sqrt(config.head_dim))
        total = exponentials.sum(dim=-1, keepdim=True)
        if config.use_attention_sinks:
            total = total + torch.exp(attention.sinks[kv * queries_a_kv_head + head // config.key_value_heads])
        outputs.append(exponentials / total @ (x_BTD @ rows_of(attention.wv, kv, config).T))
    return torch.cat(outputs, dim=-1) @ attention.wo.weight.T


def rows_of(linear, head, config):
    return linear.weight[head * config.head_dim : (head + 1) * config.head_dim]


@pytest.mark.parametrize("kv_heads", [1, 2, 3, 6])
@pytest.mark.parametrize("sinks", [False, True])
@pytest.mark.parametrize("qk_norm", [False, True])
def test_attention_is_its_heads_side_by_side(kv_heads, sinks, qk_norm):
    fields = {**SMALL, "num_key_value_heads": kv_heads, "use_attention_sinks": sinks, "use_qk_norm": qk_norm}
    config = Encoder(**fields)
    torch.manual_seed(kv_heads)
    attention = Attention(config)
    with torch.no_grad():
        for weight in attention.parameters():
            weight.normal_()
        x_BTD = torch.randn(3, 16, config.hidden_size) / 5
        torch.testing.assert_close(
            attention(x_BTD), attention_head_by_head(attention, config, x_BTD), rtol=1e-4, atol=1e-4
        )


def with_values(*names):
    torch.manual_seed(0)
    return BoardEncoder(Encoder(**SMALL).with_value_heads(names)).eval()


def test_value_heads_read_the_board_vector():
    model, tokens = with_values("p_die", "reach_16384"), torch.randint(0, 17, (4, 16))
    with torch.inference_mode():
        outputs = model(tokens)
        head = model.value_heads["reach_16384"]
        torch.testing.assert_close(outputs.values["reach_16384"], head(outputs.hidden.mean(dim=1)))
    assert {name: list(logits.shape) for name, logits in outputs.values.items()} == {
        "p_die": [4, 1],
        "reach_16384": [4, 1],
    }
    assert outputs.as_pair() == (outputs.hidden, (outputs.heads, outputs.values))


def test_value_heads_have_their_name_in_their_weights():
    names = BoardEncoder(Encoder(**SMALL)).state_dict().keys()
    added = [name for name in with_values("p_die").state_dict() if name not in names]
    assert added == ["value_heads.p_die.weight", "value_heads.p_die.bias"]


@pytest.mark.parametrize("name", ["keys", "training", "state_dict"])
def test_a_name_that_torch_needs_is_refused(name):
    with pytest.raises(UserError, match=f"{name} is a name that torch's modules use"):
        with_values(name)


def test_dropout_acts_in_training_only():
    torch.manual_seed(0)
    model = BoardEncoder(Encoder(**{**SMALL, "dropout_prob": 0.5}))
    tokens = torch.randint(0, 17, (4, 16))
    assert not torch.equal(model(tokens).hidden, model(tokens).hidden)
    model.eval()
    assert torch.equal(model(tokens).hidden, model(tokens).hidden)


def test_a_board_does_not_depend_on_its_neighbours():
    torch.manual_seed(0)
    model = BoardEncoder(Encoder(**SMALL)).eval()
    tokens = torch.randint(0, 17, (16, 16), dtype=torch.uint8)
    other = torch.cat([tokens[:1], torch.randint(0, 17, (15, 16), dtype=torch.uint8)])
    with torch.inference_mode():
        assert torch.equal(model(tokens).hidden[0], model(other).hidden[0])


def test_cells_have_positions():
    torch.manual_seed(0)
    model = BoardEncoder(Encoder(**SMALL)).eval()
    tokens = torch.arange(16)[None]
    with torch.inference_mode():
        assert not torch.allclose(model(tokens).heads[0], model(tokens.flip(1)).heads[0], atol=1e-3)
