"""A Qwen3-VL of 0.29M random parameters; importing this file imports transformers."""

import torch
from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

HIDDEN, HEADS = 64, 4


def tiny_qwen3vl(rows: int, ids: dict[str, int], tied: bool = True) -> Qwen3VLForConditionalGeneration:
    """`rows` of the embedding; `ids` of <|image_pad|>, <|video_pad|>, <|vision_start|> and <|vision_end|>."""
    torch.manual_seed(0)
    text = {
        "vocab_size": rows,
        "hidden_size": HIDDEN,
        "intermediate_size": 2 * HIDDEN,
        "num_hidden_layers": 2,
        "num_attention_heads": HEADS,
        "num_key_value_heads": 2,
        "head_dim": HIDDEN // HEADS,
        "max_position_embeddings": 4096,
        "rope_parameters": {
            "rope_type": "default",
            "rope_theta": 10000.0,
            "mrope_section": [4, 2, 2],
            "mrope_interleaved": True,
        },
        "tie_word_embeddings": tied,
    }
    vision = {
        "depth": 2,
        "hidden_size": 32,
        "intermediate_size": 64,
        "num_heads": 2,
        "patch_size": 16,
        "spatial_merge_size": 2,
        "temporal_patch_size": 2,
        "out_hidden_size": HIDDEN,
        "num_position_embeddings": 64,
        "deepstack_visual_indexes": [0],
    }
    config = Qwen3VLConfig(
        text_config=text,
        vision_config=vision,
        image_token_id=ids["<|image_pad|>"],
        video_token_id=ids["<|video_pad|>"],
        vision_start_token_id=ids["<|vision_start|>"],
        vision_end_token_id=ids["<|vision_end|>"],
        tie_word_embeddings=tied,
    )
    return Qwen3VLForConditionalGeneration(config).eval()
