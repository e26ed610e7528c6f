import pytest

from railyard.stage2.model import shape
from railyard.stage2.model.config import Lora, Random
from railyard.stage2.model.parts import part_of

IDS = {text: index for index, text in enumerate(("<|endoftext|>", "<|im_end|>", "<|image_pad|>", "<|video_pad|>"))}
IDS |= {"<|vision_start|>": 4, "<|vision_end|>": 5}


def test_the_default_shape_has_between_one_and_two_million_parameters():
    counted = shape.parameters(shape.fields(Random(), 1519, IDS))
    assert counted["text"] > counted["vision"]
    assert 1e6 < sum(counted.values()) < 2e6


@pytest.mark.slow
@pytest.mark.parametrize("keys", [{}, {"hidden": 64, "layers": 1, "heads": 2, "vision_layers": 3}])
def test_parameters_are_counted_as_transformers_has_them(keys):
    from tiny_detector import tiny_detector

    model = tiny_detector(weights=Random(**keys)).model
    counted = dict.fromkeys(("text", "vision", "merger"), 0)
    for name, weight in model.named_parameters():
        counted[part_of(name)] += weight.numel()
    assert shape.parameters(model.config.to_dict()) == counted


@pytest.mark.slow
def test_linear_layers_are_those_that_adapters_stand_beside():
    from tiny_detector import tiny_detector

    model = tiny_detector(tuning=Lora(rank=3)).model
    counted = dict.fromkeys(("text", "vision", "merger"), 0)
    for name, weight in model.named_parameters():
        if ".lora_" in name:
            counted[part_of(name)] += weight.numel()
    expected = {part: sum(3 * (a + b) for a, b in some) for part, some in shape.linears(model.config.to_dict()).items()}
    assert counted == expected
