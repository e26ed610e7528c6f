import builtins

import pytest
import torch
from tiny_detector import alone, tiny_batch, tiny_detector

from railyard.core.errors import UserError
from railyard.stage2.model.adapters import has_adapters, merged_weights
from railyard.stage2.model.config import Lora, Rates

pytestmark = pytest.mark.slow


@pytest.mark.parametrize("dora", [False, True])
def test_merged_weights_give_the_same_states_and_leave_the_adapters_as_they_are(dora):
    detector = tiny_detector(tuning=Lora(rank=2, dora=dora))
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if ".lora_" in name and "magnitude" not in name:
                weight.add_(0.03 * torch.randn(weight.shape))
    batch = tiny_batch(detector)
    before = {name: weight.clone() for name, weight in detector.state_dict().items()}
    with torch.no_grad():
        expected = alone(detector, batch, 0, batch.ids[0])
        weights = merged_weights(detector.settle())
        plain = tiny_detector(seed=5)
        assert has_adapters(detector.model)
        assert not has_adapters(plain.model)
        plain.model.load_state_dict(weights, strict=True)
        plain.rows_KH.copy_(detector.rows_KH)
        found = alone(plain, batch, 0, batch.ids[0])
    torch.testing.assert_close(found, expected, atol=1e-5, rtol=0)
    assert all(torch.equal(weight, before[name]) for name, weight in detector.state_dict().items())


def test_only_adapters_and_coordinates_are_trained():
    detector = tiny_detector(tuning=Lora(rank=2), rates=Rates(vision=0))
    trained = [name for name, weight in detector.named_parameters() if weight.requires_grad]
    assert {name for name in trained if ".lora_" not in name} == {"rows_KH"}
    assert not [name for name in trained if "visual.blocks" in name]
    assert [name for name in trained if "visual.merger" in name]


def test_adapters_without_a_layer_are_refused():
    with pytest.raises(UserError, match="adapters would have no layer"):
        tiny_detector(tuning=Lora(), rates=Rates(text=0, vision=0, merger=0))


def test_without_peft_the_extra_is_named(monkeypatch):
    own = builtins.__import__

    def without(name, *args, **keys):
        if name == "peft":
            raise ImportError(name)
        return own(name, *args, **keys)

    monkeypatch.setattr(builtins, "__import__", without)
    with pytest.raises(UserError, match=r"railyard\[lora\]"):
        tiny_detector(tuning=Lora())
