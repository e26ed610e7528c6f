"""Shapes of Qwen3-VL: what `weights=Random` describes, as transformers takes it, and how many parameters that has.

Counting needs no torch: the plan of a run tells it.
"""

from collections.abc import Mapping
from typing import Any

from railyard.stage2.language.positions import MERGE
from railyard.stage2.model.config import Random
from railyard.stage2.model.pictures import FRAMES, PATCH

GRID = 8  # places on a side of the vision's learned positions, which are stretched over an image
SPREAD = 0.02  # standard deviation of transformers' random weights


def fields(shape: Random, rows: int, ids: Mapping[str, int]) -> dict[str, Any]:
    """Arguments of `Qwen3VLConfig`. `rows`: of the embedding; `ids`: of the special tokens."""
    half = shape.hidden // shape.heads // 2
    text = {
        "vocab_size": rows,
        "hidden_size": shape.hidden,
        "intermediate_size": 2 * shape.hidden,
        "num_hidden_layers": shape.layers,
        "num_attention_heads": shape.heads,
        "num_key_value_heads": shape.key_value_heads,
        "head_dim": shape.hidden // shape.heads,
        "max_position_embeddings": 32_768,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10_000.0,
            "mrope_section": [half - half // 4 * 2, half // 4, half // 4],
            "mrope_interleaved": True,
        },
        "initializer_range": SPREAD,
        "pad_token_id": ids["<|endoftext|>"],
        "eos_token_id": ids["<|im_end|>"],
        "tie_word_embeddings": True,
    }
    vision = {
        "depth": shape.vision_layers,
        "hidden_size": shape.vision_hidden,
        "intermediate_size": 2 * shape.vision_hidden,
        "num_heads": 2,
        "patch_size": PATCH,
        "spatial_merge_size": MERGE,
        "temporal_patch_size": FRAMES,
        "out_hidden_size": shape.hidden,
        "num_position_embeddings": GRID**2,
        "deepstack_visual_indexes": [0],
        "initializer_range": SPREAD,
    }
    return {
        "text_config": text,
        "vision_config": vision,
        "image_token_id": ids["<|image_pad|>"],
        "video_token_id": ids["<|video_pad|>"],
        "vision_start_token_id": ids["<|vision_start|>"],
        "vision_end_token_id": ids["<|vision_end|>"],
        "tie_word_embeddings": True,
    }


def parameters(config: Mapping[str, Any]) -> dict[str, int]:
    """Parameters of each part (text, vision, merger) by a config of transformers; tied embeddings count once."""
    text, vision = config["text_config"], config["vision_config"]
    return {"text": _text(text, config), "vision": _vision(vision), "merger": _merger(vision)}


def linears(config: Mapping[str, Any]) -> dict[str, list[tuple[int, int]]]:
    """Inputs and outputs of every linear layer of each part, which is where adapters go."""
    text, vision = config["text_config"], config["vision_config"]
    width, inner = vision["hidden_size"], vision["intermediate_size"]
    block = [(width, 3 * width), (width, width), (width, inner), (inner, width)]
    merged = width * vision["spatial_merge_size"] ** 2
    merger = [(merged, merged), (merged, vision["out_hidden_size"])] * (1 + len(vision["deepstack_visual_indexes"]))
    return {
        "text": _text_linears(text) * text["num_hidden_layers"],
        "vision": block * vision["depth"],
        "merger": merger,
    }


def _text(text: Mapping[str, Any], config: Mapping[str, Any]) -> int:
    hidden, layers = text["hidden_size"], text["num_hidden_layers"]
    matrices = 1 if config.get("tie_word_embeddings", text.get("tie_word_embeddings", False)) else 2
    layer = sum(a * b for a, b in _text_linears(text)) + 2 * hidden + 2 * _head(text)
    if text.get("attention_bias"):
        query, key = text["num_attention_heads"] * _head(text), text["num_key_value_heads"] * _head(text)
        layer += query + 2 * key
    return int(matrices * text["vocab_size"] * hidden + layers * layer + hidden)


def _text_linears(text: Mapping[str, Any]) -> list[tuple[int, int]]:
    hidden, inner = text["hidden_size"], text["intermediate_size"]
    query, key = text["num_attention_heads"] * _head(text), text["num_key_value_heads"] * _head(text)
    attention = [(hidden, query), (hidden, key), (hidden, key), (query, hidden)]
    return [*attention, (hidden, inner), (hidden, inner), (inner, hidden)]


def _head(text: Mapping[str, Any]) -> int:
    return int(text.get("head_dim") or text["hidden_size"] // text["num_attention_heads"])


def _vision(vision: Mapping[str, Any]) -> int:
    width, inner = vision["hidden_size"], vision["intermediate_size"]
    patch = vision.get("in_channels", 3) * vision["temporal_patch_size"] * vision["patch_size"] ** 2
    block = 4 * width * width + 4 * width + 2 * width * inner + width + inner + 4 * width
    return int((patch + 1) * width + vision["num_position_embeddings"] * width + vision["depth"] * block)


def _merger(vision: Mapping[str, Any]) -> int:
    width = vision["hidden_size"]
    merged = width * vision["spatial_merge_size"] ** 2
    layers = merged * merged + merged + merged * vision["out_hidden_size"] + vision["out_hidden_size"]
    # the main one normalises patches, those of the levels the merged block
    return int(layers + 2 * width + len(vision["deepstack_visual_indexes"]) * (layers + 2 * merged))
