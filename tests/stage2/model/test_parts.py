import pytest

from railyard.stage2.model.config import Rates
from railyard.stage2.model.parts import part_of


@pytest.mark.parametrize(
    ("name", "part"),
    [
        ("rows_KH", "coordinates"),
        ("output_rows_KH", "coordinates"),
        ("model.model.visual.merger.linear_fc1.weight", "merger"),
        ("model.model.visual.deepstack_merger_list.0.norm.bias", "merger"),
        ("model.model.visual.blocks.0.attn.qkv.lora_A.default.weight", "vision"),
        ("model.model.language_model.layers.0.mlp.up_proj.weight", "text"),
        ("model.lm_head.weight", "text"),
    ],
)
def test_the_part_of_a_name(name, part):
    assert part_of(name) == part


@pytest.mark.slow
def test_groups_have_the_rates_of_their_parts_and_hold_each_trained_weight_once():
    from tiny_detector import tiny_detector

    from railyard.stage2.model.parts import groups

    rates = Rates(text=1, vision=0, merger=0.5, coordinates=3)
    detector = tiny_detector(rates=rates)
    found = groups(detector, rates, {"lr": 0.1, "weight_decay": 0.01})
    assert {group["name"]: (group["lr"], group["weight_decay"]) for group in found} == {
        "text": (0.1, 0.01),
        "text_plain": (0.1, 0.0),
        "merger": (0.05, 0.01),
        "merger_plain": (0.05, 0.0),
        "coordinates_plain": (pytest.approx(0.3), 0.0),
    }
    held = [weight for group in found for weight in group["params"]]
    trained = [weight for weight in detector.parameters() if weight.requires_grad]
    assert {id(weight) for weight in held} == {id(weight) for weight in trained}
    assert len(held) == len(trained)
    frozen = [name for name, weight in detector.named_parameters() if not weight.requires_grad]
    assert {part_of(name) for name in frozen} == {"vision"}
