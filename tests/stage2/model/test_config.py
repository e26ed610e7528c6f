from pathlib import Path

import pytest
from pydantic import ValidationError

from railyard.stage2.model.config import Folder, Hub, Network, Random


def test_shared_forwards_and_gradient_checkpointing_exclude_each_other():
    weights = Random()
    with pytest.raises(ValidationError, match="drops the keys and values that forwards=shared reads"):
        Network(weights=weights, gradient_checkpointing=True)
    for forwards in ("padded", "packed"):
        assert Network(weights=weights, gradient_checkpointing=True, forwards=forwards).gradient_checkpointing


def test_a_model_of_the_hub_needs_a_revision():
    with pytest.raises(ValidationError, match="revision"):
        Hub(name="Qwen/Qwen3-VL-2B-Instruct")
    with pytest.raises(ValidationError, match="revision"):
        Hub(name="Qwen/Qwen3-VL-2B-Instruct", revision="")
    assert Hub(name="a/b", revision="c").add_coordinates
    assert not Folder(folder=Path("x")).add_coordinates


@pytest.mark.parametrize(
    ("keys", "said"),
    [
        ({"hidden": 96, "heads": 5}, "each head takes a multiple of 8"),
        ({"heads": 4, "key_value_heads": 3}, "a multiple of key_value_heads=3"),
    ],
)
def test_shapes_that_cannot_be(keys, said):
    with pytest.raises(ValidationError, match=said):
        Random(**keys)
