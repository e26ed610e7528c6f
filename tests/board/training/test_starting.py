"""`model.init`: the weights of an init folder at step 0; what does not fit is one sentence."""

import json
import shutil
from pathlib import Path

import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.model.init_folder import read_init
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.outcomes import DiesWithin, Reaches
from railyard.core.config.component import Foreign
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
ENCODER = Encoder(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
ADAM = Foreign("torch.optim.AdamW", {"lr": 0.5}, True)


@pytest.fixture(scope="module")
def data():
    return PackData(
        pack=FIXTURES / "03_pack", tokenizer=FIXTURES / "04_tokenizer_v2_8.json", validation_fraction=0.2
    ).build()


def module(data, seed, **knobs):
    torch.manual_seed(seed)
    model = BoardModel(**{"encoder": ENCODER, "optimizer": ADAM, **knobs})
    return model.build(data=data, objective=MacroxueTokens(), total_steps=10)


@pytest.fixture
def init(data, tmp_path):
    module(data, 1).write_init(tmp_path / "init")
    return tmp_path / "init"


def same(module, weights):
    return all(torch.equal(module.encoder.state_dict()[name], weight) for name, weight in weights.items())


def test_a_run_starts_from_the_weights_of_the_folder(data, init):
    weights = read_init(init)[0].state_dict()
    started = module(data, 2, init=init, ema_decay=0.9)
    assert same(started, weights)
    assert not same(module(data, 2), weights)
    assert all(torch.equal(started.average.state_dict()[name], weight) for name, weight in weights.items())
    assert started.configure_optimizers()["optimizer"].state == {}


def test_dropout_may_be_another(data, init):
    assert (
        module(data, 2, init=init, encoder=ENCODER.model_copy(update={"dropout_prob": 0.3})).encoder.config.dropout_prob
        == 0.3
    )


HEADS = {"p_die": DiesWithin(moves=20), "reach": Reaches(tile=2048)}


def test_new_value_heads_begin_with_fresh_weights(data, init, tmp_path):
    weights = read_init(init)[0].state_dict()
    started, other = (module(data, seed, init=init, value_heads=HEADS) for seed in (2, 3))
    assert same(started, weights)
    fresh = started.encoder.value_heads["reach"].weight
    assert not torch.equal(fresh, other.encoder.value_heads["reach"].weight)
    started.write_init(tmp_path / "again")
    again = module(data, 4, init=tmp_path / "again", value_heads=HEADS)
    assert torch.equal(again.encoder.value_heads["reach"].weight, fresh)


def test_value_heads_of_the_folder_are_not_dropped(data, init, tmp_path):
    module(data, 2, init=init, value_heads=HEADS).write_init(tmp_path / "two")
    message = r"value heads that this run lacks: p_die \(1 logit\); name them in model.value_heads"
    with pytest.raises(UserError, match=message):
        module(data, 2, init=tmp_path / "two", value_heads={"reach": HEADS["reach"]})


def other_shape(init):
    config = json.loads((init / "config.json").read_text())
    (init / "config.json").write_text(json.dumps({**config, "hidden_size": 32, "num_hidden_layers": 2}))


def other_tokenizer(init):
    content = json.loads((init / "tokenizer.json").read_text())
    content["search"]["bin_edges"][0] -= 1
    (init / "tokenizer.json").write_text(json.dumps(content))


@pytest.mark.parametrize(
    ("damage", "reason"),
    [
        (shutil.rmtree, r"config\.json"),
        (lambda init: (init / "model.safetensors").unlink(), "holds no weights"),
        (other_shape, "hidden_size is 32 there and 16 here, num_hidden_layers is 2 there and 1 here"),
        (other_tokenizer, "learned other classes than those of data.tokenizer"),
        (lambda init: (init / "tokenizer.json").unlink(), "learned other classes"),
    ],
)
def test_what_does_not_fit(data, init, damage, reason):
    damage(init)
    with pytest.raises(UserError, match=reason):
        module(data, 2, init=init)


def test_the_plan_tells_it_before_anything_is_built(railyard, init, work):
    words = (
        f"data.pack={FIXTURES / '03_pack'}",
        f"data.tokenizer={FIXTURES / '04_tokenizer_v2_8.json'}",
        "data.batch_size=36",
        "data.validation_fraction=0.2",
        *(f"model.encoder.{name}={getattr(ENCODER, name)}" for name in ("hidden_size", "num_attention_heads")),
        "model.encoder.intermediate_size=32",
        f"model.init={init}",
        "validate_config=true",
    )
    done = railyard("train", *words, "model.encoder.num_hidden_layers=1")
    assert (done.code, f"parameters, from {init}" in done.err) == (0, True), done.err
    done = railyard("train", *words, "model.encoder.num_hidden_layers=3")
    assert done.code == 2
    assert "model.init: " in done.err
    assert "num_hidden_layers is 1 there and 3 here" in done.err
