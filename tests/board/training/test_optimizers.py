"""One optimizer made of two: the same steps as apart, and a state that is saved and loaded as one."""

import copy

import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.training.optimizers import Together, build, decay_groups
from railyard.core.config.component import Foreign

MUON = Foreign("torch.optim.Muon", {"lr": 0.02, "weight_decay": 0.1}, True)
ADAM = Foreign("torch.optim.AdamW", {"lr": 0.01, "weight_decay": 0.1}, True)


@pytest.fixture
def encoder():
    torch.manual_seed(0)
    config = Encoder(
        hidden_size=16,
        num_hidden_layers=2,
        num_attention_heads=2,
        intermediate_size=32,
        output_n_bins=5,
        use_qk_norm=True,
        use_attention_sinks=True,
        dropout_prob=0.0,
    )
    return BoardEncoder(config)


def train(encoder, optimizers, steps=3, first=0):
    for step in range(first, first + steps):
        tokens = torch.randint(0, 18, (8, 16), generator=torch.Generator().manual_seed(step))
        loss = sum(head.square().mean() for head in encoder(tokens).heads)
        encoder.zero_grad()
        loss.backward()
        for optimizer in optimizers:
            optimizer.step()


def weights(encoder):
    return torch.cat([weight.detach().flatten() for weight in encoder.parameters()])


def test_muon_takes_the_matrices_of_the_blocks_alone(encoder):
    together = build(encoder, MUON, ADAM)
    names = {id(weight): name for name, weight in encoder.named_parameters()}
    muon, decayed, plain = ({names[id(w)] for w in group["params"]} for group in together.param_groups)
    assert muon == {
        name for name in names.values() if name.startswith("blocks.") and encoder.get_parameter(name).ndim == 2
    }
    assert decayed == {f"ev_heads.{head}.weight" for head in range(4)}
    assert muon | decayed | plain == set(names.values())
    assert [group["weight_decay"] for group in together.param_groups] == [0.1, 0.1, 0.0]


def test_together_is_each_by_itself(encoder):
    other = copy.deepcopy(encoder)
    together = build(encoder, MUON, ADAM)
    assert isinstance(together, Together)
    hidden = [weight for weight in other.blocks.parameters() if weight.ndim == 2]
    rest = decay_groups(other, ADAM.kwargs, {id(weight) for weight in hidden})
    train(encoder, [together])
    train(other, [torch.optim.Muon(hidden, **MUON.kwargs), torch.optim.AdamW(rest, **ADAM.kwargs)])
    assert torch.equal(weights(encoder), weights(other))


def test_a_loaded_state_goes_on_with_the_same_bits(encoder):
    together = build(encoder, MUON, ADAM)
    train(encoder, [together])
    other = copy.deepcopy(encoder)
    again = build(other, MUON, ADAM)
    again.load_state_dict(copy.deepcopy(together.state_dict()))
    train(encoder, [together], first=3)
    train(other, [again], first=3)
    assert torch.equal(weights(encoder), weights(other))


def test_schedules_reach_both(encoder):
    together = build(encoder, MUON, ADAM)
    scale = torch.optim.lr_scheduler.LambdaLR(together, lambda step: 0.0)
    before = weights(encoder)
    train(encoder, [together])
    scale.step()
    assert [part.param_groups[0]["lr"] for part in together.parts] == [0.0, 0.0]
    assert torch.equal(weights(encoder), before)


def test_the_closure_is_called_once(encoder):
    calls = []
    assert build(encoder, MUON, ADAM).step(lambda: calls.append(1) or 7) == 7
    assert calls == [1]


def test_weight_decay_that_is_not_given_is_the_optimizers_own(encoder):
    optimizer = build(encoder, Foreign("torch.optim.AdamW", {}, True), None)
    assert [group["weight_decay"] for group in optimizer.param_groups] == [0.01, 0.0]
