"""Init folders: same bytes out as in, strict reading, and one sentence for each fault."""

import json
import shutil
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file, save_file

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.init_folder import describe, read_init, write_init
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
BINNED, POLICY = "08_encoder_binned_gqa", "08_encoder_action_policy"


@pytest.fixture
def folder(tmp_path):
    """A copy of the reference's binned encoder that a test may spoil."""
    return Path(shutil.copytree(FIXTURES / BINNED, tmp_path / "init"))


def rewrite_weights(folder, change, name="model.safetensors"):
    weights = change(load_file(folder / "model.safetensors"))
    (folder / "model.safetensors").unlink()
    save_file(weights, folder / name)


def rewrite_config(folder, **fields):
    path = folder / "config.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | fields))


def names(folder):
    return sorted(path.name for path in folder.iterdir())


def without(name):
    return lambda weights: {key: value for key, value in weights.items() if key != name}


@pytest.mark.parametrize("name", [BINNED, POLICY])
def test_reading_and_writing_gives_the_reference_bytes(name, tmp_path):
    model, tokenizer = read_init(FIXTURES / name)
    write_init(tmp_path / "init", model, tokenizer)
    written = names(tmp_path / "init")
    assert written == ["config.json", "model.safetensors", *(["tokenizer.json"] if name == BINNED else [])]
    for file in written:
        assert (tmp_path / "init" / file).read_bytes() == (FIXTURES / name / file).read_bytes()


def test_a_tokenizer_file_is_copied_byte_for_byte(folder, tmp_path):
    model, _ = read_init(folder)
    (tmp_path / "other.json").write_text('{ "spaced" :1}')
    write_init(tmp_path / "out", model, tmp_path / "other.json")
    assert (tmp_path / "out" / "tokenizer.json").read_text() == '{ "spaced" :1}'


def test_writing_replaces_the_folder(folder, tmp_path):
    model, _ = read_init(folder)
    write_init(tmp_path / "out", model, {"a": 1})
    write_init(tmp_path / "out", model, None)
    assert names(tmp_path / "out") == ["config.json", "model.safetensors"]


def test_a_failed_write_leaves_the_old_folder(folder, tmp_path):
    model, _ = read_init(folder)
    write_init(tmp_path / "out", model, {"a": 1})
    with pytest.raises(FileNotFoundError):
        write_init(tmp_path / "out", model, tmp_path / "nowhere.json")
    assert read_init(tmp_path / "out")[1] == {"a": 1}
    assert names(tmp_path) == ["init", "out"]


def test_reading_weights_draws_no_random_number(folder):
    before = torch.random.get_rng_state()
    read_init(folder)
    assert torch.equal(before, torch.random.get_rng_state())


def test_reading_weights_fills_none_before(folder, monkeypatch):
    def filled(*args, **kwargs):
        raise AssertionError("torch imports its compiler to fill a tensor without memory")

    monkeypatch.setattr(torch.Tensor, "normal_", filled)
    read_init(folder)


def test_weights_survive_the_file_they_came_from(folder):
    model, _ = read_init(folder)
    expected = model.tok_emb.weight.clone()
    path = folder / "model.safetensors"
    path.write_bytes(bytes(path.stat().st_size))
    assert torch.equal(model.tok_emb.weight, expected)


def test_the_first_of_the_known_weight_files_wins(folder):
    (folder / "model.safetensors").unlink()
    for position, name in enumerate(["model-stable", "model-final", "model", "model-best"]):
        weights = load_file(FIXTURES / BINNED / "model.safetensors")
        weights["final_ln.weight"].fill_(position)
        save_file(weights, folder / f"{name}.safetensors")
        assert read_init(folder)[0].final_ln.weight[0] == position


@pytest.mark.parametrize("prefix", ["_orig_mod.", "module.", "module._orig_mod.", "_orig_mod.module."])
def test_wrapper_prefixes_are_stripped(folder, prefix):
    rewrite_weights(folder, lambda weights: {prefix + name: weight for name, weight in weights.items()})
    expected = load_file(FIXTURES / BINNED / "model.safetensors")
    assert torch.equal(read_init(folder)[0].state_dict()["final_ln.weight"], expected["final_ln.weight"])


def test_half_precision_weights_become_float32(folder):
    rewrite_weights(folder, lambda weights: {name: weight.bfloat16() for name, weight in weights.items()})
    assert {weight.dtype for weight in read_init(folder)[0].parameters()} == {torch.float32}


def test_the_weights_know_classes_and_vocabulary(folder):
    rewrite_config(folder, output_n_bins=None, input_vocab_size=16)
    config = read_init(folder)[0].config
    assert (config.output_n_bins, config.input_vocab_size) == (11, 17)


@pytest.mark.parametrize(("name", "wrong"), [(BINNED, "action_policy"), (POLICY, "binned_ev")])
def test_the_weights_know_the_head_type(name, wrong, tmp_path):
    folder = Path(shutil.copytree(FIXTURES / name, tmp_path / "init"))
    rewrite_config(folder, head_type=wrong)
    assert read_init(folder)[0].config.head_type != wrong


def test_without_weights_the_model_is_fresh(folder):
    (folder / "model.safetensors").unlink()
    torch.manual_seed(1)
    first = read_init(folder)[0].tok_emb.weight
    assert not torch.equal(first, read_init(folder)[0].tok_emb.weight)


def test_classes_are_needed_without_weights(folder):
    (folder / "model.safetensors").unlink()
    rewrite_config(folder, output_n_bins=None)
    with pytest.raises(UserError, match=r"config.json: output_n_bins is missing"):
        read_init(folder)


def test_a_missing_weight_is_named(folder):
    rewrite_weights(folder, without("blocks.1.attn.wo.weight"))
    with pytest.raises(UserError, match=r"model.safetensors does not fit .*: blocks.1.attn.wo.weight is missing"):
        read_init(folder)


def test_an_unknown_weight_is_named(folder):
    rewrite_weights(folder, lambda weights: weights | {"extra.bias": torch.zeros(1)})
    with pytest.raises(UserError, match=r"extra.bias is unknown to the network"):
        read_init(folder)


def test_a_differing_shape_is_named(folder):
    rewrite_config(folder, intermediate_size=40)
    message = r"blocks.0.mlp.w_down.weight has shape \[32, 48\], expected \[32, 40\].* and 1 more"
    with pytest.raises(UserError, match=message):
        read_init(folder)


def test_a_vocabulary_larger_than_the_weights_is_refused(folder):
    rewrite_config(folder, input_vocab_size=18)
    with pytest.raises(UserError, match=r"tok_emb.weight has shape \[17, 32\], expected \[18, 32\]"):
        read_init(folder)


@pytest.mark.parametrize(
    ("fields", "message"),
    [
        ({"hidden_size": "wide"}, r"config.json: hidden_size: must be a valid integer, got 'wide'"),
        ({"rotary": True}, r"config.json: rotary: unknown key .* known: input_vocab_size, "),
        ({"num_attention_heads": 5}, r"config.json: num_attention_heads=5 must divide hidden_size=32"),
    ],
)
def test_a_faulty_config_names_the_key(folder, fields, message):
    rewrite_config(folder, **fields)
    with pytest.raises(UserError, match=message):
        read_init(folder)


@pytest.mark.parametrize(("text", "message"), [("{", "is not valid JSON"), ("[]", "does not hold a JSON object")])
@pytest.mark.parametrize("file", ["config.json", "tokenizer.json"])
def test_broken_json_is_named(folder, file, text, message):
    (folder / file).write_text(text)
    with pytest.raises(UserError, match=f"{file} {message}"):
        read_init(folder)


def test_a_folder_without_config_is_no_init_folder(tmp_path):
    with pytest.raises(UserError, match=r"config.json is missing: an init folder holds"):
        read_init(tmp_path)


def test_something_else_than_a_folder_is_refused(tmp_path):
    with pytest.raises(UserError, match="nowhere is not a folder"):
        read_init(tmp_path / "nowhere")


def test_a_truncated_weight_file_is_named(folder):
    path = folder / "model.safetensors"
    path.write_bytes(path.read_bytes()[:-100])
    with pytest.raises(UserError, match=r"model.safetensors is damaged"):
        read_init(folder)


def same_outputs(first, second):
    tokens = torch.arange(32).reshape(2, 16) % 16
    pairs = zip(first.eval()(tokens).heads, second.eval()(tokens).heads, strict=True)
    return all(torch.equal(a, b) for a, b in pairs)


@pytest.mark.parametrize("name", ["model-best.pt", "model.pt", "model-stable.pt"])
def test_pickled_weights_of_a_folder(folder, name):
    expected, _ = read_init(folder)
    weights = load_file(folder / "model.safetensors")
    torch.save({f"_orig_mod.{key}": value for key, value in weights.items()}, folder / name)
    (folder / "model.safetensors").unlink()
    model, tokenizer = read_init(folder)
    assert same_outputs(model, expected)
    assert tokenizer is not None


def test_a_hub_is_not_asked():
    with pytest.raises(UserError, match="a model of a hub, which Railyard does not fetch"):
        read_init("hf://org/repo")


def test_safetensors_win_over_pickles(folder):
    (folder / "model-best.pt").write_bytes(b"never opened")
    read_init(folder)


def test_a_written_model_reads_back(tmp_path):
    torch.manual_seed(0)
    config = Encoder(
        output_n_bins=5,
        hidden_size=8,
        num_hidden_layers=1,
        num_attention_heads=2,
        num_key_value_heads=1,
        intermediate_size=8,
        use_attention_sinks=True,
        use_qk_norm=True,
    )
    model = BoardEncoder(config)
    write_init(tmp_path / "init", model, None)
    again, tokenizer = read_init(tmp_path / "init")
    assert (again.config, tokenizer) == (config, None)
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)


def test_value_heads_are_written_and_read_back(folder, tmp_path):
    torch.manual_seed(0)
    model = BoardEncoder(read_init(folder)[0].config.with_value_heads(["p_die", "reach_16384"]))
    write_init(tmp_path / "out", model, None)
    written = json.loads((tmp_path / "out" / "config.json").read_text())
    assert written["value_heads"] == [{"name": "p_die", "dim": 1}, {"name": "reach_16384", "dim": 1}]
    assert load_file(tmp_path / "out" / "model.safetensors")["value_heads.p_die.weight"].shape == (1, 32)
    again, _ = read_init(tmp_path / "out")
    assert again.config == model.config
    torch.testing.assert_close(again.state_dict(), model.state_dict(), rtol=0, atol=0)
    write_init(tmp_path / "twice", again, None)
    for file in ("config.json", "model.safetensors"):
        assert (tmp_path / "twice" / file).read_bytes() == (tmp_path / "out" / file).read_bytes()


def test_weights_and_config_have_the_same_value_heads(folder):
    rewrite_config(folder, value_heads=[{"name": "p_die", "dim": 1}])
    with pytest.raises(UserError, match=r"value_heads.p_die.bias is missing; value_heads.p_die.weight is missing"):
        read_init(folder)
    rewrite_weights(folder, lambda weights: weights | {"value_heads.p_die.weight": torch.zeros(1, 32)})
    rewrite_config(folder, value_heads=[])
    with pytest.raises(UserError, match=r"value_heads.p_die.weight is unknown to the network"):
        read_init(folder)


@pytest.mark.parametrize(
    ("value_heads", "says"),
    [
        ("p_die", "value_heads: must be a valid list, got 'p_die'"),
        ([{"name": "p.die", "dim": 1}], "value_heads.0.name: String should match pattern"),
        ([{"name": "p_die", "dim": "x"}], "value_heads.0.dim: must be a valid integer, got 'x'"),
        ([{"name": "p_die", "dim": 1, "bins": 2}], r"value_heads.0.bins: unknown key"),
        ([{"name": "keys", "dim": 1}], "keys is a name that torch's modules use"),
        ([{"name": f"v{i}", "dim": 2**16} for i in range(64)], "at most 2,147,483,648 are built"),
    ],
)
def test_faulty_value_heads_are_one_sentence(folder, value_heads, says):
    wide = {"hidden_size": 2**16, "intermediate_size": 32} if len(value_heads) == 64 else {}
    rewrite_config(folder, value_heads=value_heads, **wide)
    with pytest.raises(UserError, match=says):
        read_init(folder)


@pytest.mark.parametrize(
    ("fields", "says"),
    [
        ({"num_hidden_layers": 10**7}, r"config.json: num_hidden_layers: .*1024.*10000000"),
        ({"hidden_size": 2**40, "num_attention_heads": 2}, r"config.json: hidden_size: .*65536.*1099511627776"),
        (
            {"hidden_size": 2**16, "intermediate_size": 2**16},
            r"hidden_size=65536, .* at most 2,147,483,648 are built",
        ),
    ],
)
@pytest.mark.parametrize("has_weights", [True, False])
def test_sizes_beyond_reason_are_refused_before_anything_is_built(has_weights, fields, says, folder):
    rewrite_config(folder, **fields)
    if not has_weights:
        (folder / "model.safetensors").unlink()
    with pytest.raises(UserError, match=says):
        read_init(folder)


@pytest.mark.parametrize("leads_to", ["nowhere", "/dev/zero"])
def test_weights_that_are_no_file_are_not_taken_for_none(leads_to, folder):
    (folder / "model.safetensors").unlink()
    (folder / "model.safetensors").symlink_to(leads_to)
    with pytest.raises((UserError, FileNotFoundError)):
        read_init(folder)


def test_weights_that_are_no_real_numbers_are_refused(folder):
    rewrite_weights(folder, lambda weights: {**weights, "final_ln.weight": weights["final_ln.weight"].int()})
    with pytest.raises(UserError, match=r"final_ln.weight holds torch.int32, expected real numbers"):
        read_init(folder)


def test_what_is_shown_without_weights_is_not_built(folder):
    (folder / "model.safetensors").unlink()
    rewrite_config(folder, hidden_size=2**13, num_attention_heads=2, num_hidden_layers=4, output_n_bins=11)
    assert describe(folder)["parameters"] > 10**9
