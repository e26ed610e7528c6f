"""The encoder's fields, their rules and the parameter formula."""

import subprocess
import sys

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pydantic import ValidationError

from railyard.board.model.config import Encoder, parameter_count
from railyard.board.model.encoder import BoardEncoder
from railyard.core.errors import UserError

SIZE_50M = {
    "input_vocab_size": 17,
    "hidden_size": 512,
    "num_hidden_layers": 12,
    "num_attention_heads": 8,
    "num_key_value_heads": None,
    "intermediate_size": 2048,
}


def test_the_public_10m_size():
    assert parameter_count(Encoder(input_vocab_size=17, head_type="action_policy")) == 12_181_828


@pytest.mark.parametrize(("classes", "parameters"), [(34, 50_431_112), (35, 50_433_164)])
def test_the_public_50m_sizes(classes, parameters):
    assert parameter_count(Encoder(output_n_bins=classes, **SIZE_50M)) == parameters


@settings(max_examples=25, deadline=None)
@given(
    kv_heads=st.integers(1, 2),
    queries_a_kv_head=st.integers(1, 3),
    head_dim=st.integers(1, 4),
    layers=st.integers(1, 2),
    intermediate=st.integers(1, 9),
    vocab=st.integers(2, 18),
    bins=st.integers(2, 9),
    head_type=st.sampled_from(["binned_ev", "action_policy"]),
    sinks=st.booleans(),
    qk_norm=st.booleans(),
    value_dims=st.lists(st.integers(1, 9), max_size=2),
)
def test_the_formula_counts_the_network(
    kv_heads, queries_a_kv_head, head_dim, layers, intermediate, vocab, bins, head_type, sinks, qk_norm, value_dims
):
    config = Encoder(
        input_vocab_size=vocab,
        output_n_bins=bins,
        hidden_size=kv_heads * queries_a_kv_head * head_dim,
        num_hidden_layers=layers,
        num_attention_heads=kv_heads * queries_a_kv_head,
        num_key_value_heads=kv_heads,
        intermediate_size=intermediate,
        head_type=head_type,
        use_attention_sinks=sinks,
        use_qk_norm=qk_norm,
        value_heads=[{"name": f"v{place}", "dim": dim} for place, dim in enumerate(value_dims)],
    )
    assert parameter_count(config) == sum(weight.numel() for weight in BoardEncoder(config).parameters())


def test_null_key_value_heads_means_one_each():
    assert Encoder(num_key_value_heads=None).key_value_heads == 6


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"num_attention_heads": 5}, "num_attention_heads=5 must divide hidden_size=288"),
        ({"num_key_value_heads": 4}, "num_key_value_heads=4 must divide num_attention_heads=6"),
        ({"head_type": "value"}, "'binned_ev' or 'action_policy'"),
        ({"max_position_embeddings": 15}, "greater than or equal to 16"),
        ({"hiden_size": 288}, "Extra inputs are not permitted"),
        ({"value_heads": [{"name": "a.b", "dim": 1}]}, "should match pattern"),
        ({"value_heads": [{"name": "", "dim": 1}]}, "should match pattern"),
        ({"value_heads": [{"name": "a" * 65, "dim": 1}]}, "at most 64 characters"),
        ({"value_heads": [{"name": "p_die", "dim": 0}]}, "greater than or equal to 1"),
        ({"value_heads": [{"name": "p_die", "dim": 2**31}]}, "less than or equal to 65536"),
        ({"value_heads": [{"name": f"v{i}"} for i in range(65)]}, "at most 64 items"),
        ({"value_heads": [{"name": "v"}, {"name": "v", "dim": 2}]}, "value_heads has two heads of the name v"),
    ],
)
def test_a_faulty_field_is_named(fields, message):
    with pytest.raises(ValidationError, match=message):
        Encoder(**fields)


def test_bins_come_from_the_tokenizer():
    assert Encoder().with_bins(35).n_bins == 35
    assert Encoder(output_n_bins=35).with_bins(35).n_bins == 35


def test_an_action_policy_has_no_bins():
    policy = Encoder(head_type="action_policy")
    assert policy.with_bins(35) == policy


def test_value_heads_stand_in_config_json_only_where_there_are_any():
    assert "value_heads" not in Encoder().to_json()
    assert Encoder().with_value_heads(["p_die"]).to_json()["value_heads"] == [{"name": "p_die", "dim": 1}]


def test_other_bins_than_the_tokenizers_are_refused():
    with pytest.raises(UserError, match="output_n_bins=34 does not fit the tokenizer, which has 35 classes"):
        Encoder(output_n_bins=34).with_bins(35)


def test_binned_heads_without_a_number_of_classes_are_refused():
    with pytest.raises(UserError, match="output_n_bins is null"):
        BoardEncoder(Encoder())


def test_describing_an_encoder_needs_no_torch():
    code = (
        "import sys; from railyard.board.model.config import Encoder, parameter_count; "
        "parameter_count(Encoder(output_n_bins=35)); sys.exit('torch' in sys.modules)"
    )
    subprocess.run([sys.executable, "-c", code], check=True)
