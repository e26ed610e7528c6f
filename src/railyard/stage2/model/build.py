"""Builds the network that a config describes, and says what it stands on.

    detector = build(network, texts)          # texts: only read where a tokenizer has to be made

Random weights follow from torch's seed.
"""

from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import torch

from railyard.core.errors import UserError
from railyard.stage2.language import tokenizer as tokenizers
from railyard.stage2.language.chat import prompt_text
from railyard.stage2.language.extension import add_coordinates, extend_model
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.prompts import PROMPT
from railyard.stage2.language.tokenizer import SPECIALS, vocabulary_of
from railyard.stage2.model import adapters, files, folders, hub, parts, shape
from railyard.stage2.model.config import Folder, Hub, Lora, Network, Random, Weights
from railyard.stage2.model.coordinate_rows import smooth_rows
from railyard.stage2.model.detector import Detector
from railyard.stage2.model.patch_embedding import as_product
from railyard.stage2.model.segments import use_segments
from railyard.stage2.scenes.coordinates import TOKENS

MOST_TEXTS = 20_000  # that a tokenizer is made from


def build(network: Network, texts: Callable[[], Iterable[str]] = tuple) -> Detector:
    """The detector on the CPU, in train mode. UserError for weights or a tokenizer that cannot be used.

    `texts()`: rendered objects of the training data, for the tokenizer of `weights=Random` without one.
    """
    model, tokenizer = _source(network, texts)
    as_product(model)
    if network.forwards == "packed" and network.attention == "sdpa":
        use_segments(model)
    if isinstance(network.tuning, Lora):
        adapters.add(model, network.tuning, network.rates)
    if network.gradient_checkpointing:
        newer = getattr(model, "activation_checkpointing_enable", None)
        (newer or model.gradient_checkpointing_enable)({"use_reentrant": False})
    detector = Detector(model, tokenizer, network.forwards)
    parts.freeze(detector, network.rates)
    return detector.train()


def base_of(weights: Weights) -> dict[str, str] | None:
    """What a checkpoint of adapters stands on: where the weights are and their fingerprint; None for random ones."""
    folder = folder_of(weights)
    return None if folder is None else {"folder": str(folder), "fingerprint": files.fingerprint(folder)}


def folder_of(weights: Weights) -> Path | None:
    """The folder of the weights on this machine, downloaded if need be; None for random ones."""
    if isinstance(weights, Folder):
        return weights.folder
    return hub.download(weights.name, weights.revision) if isinstance(weights, Hub) else None


def _source(network: Network, texts: Callable[[], Iterable[str]]) -> tuple[Any, Any]:
    """A transformers model and its tokenizer, with coordinates."""
    weights = network.weights
    if isinstance(weights, Random):
        return _random(weights, network, texts)
    assert isinstance(weights, Folder | Hub)
    folder = folder_of(weights)
    assert folder is not None
    files.check(folder)
    tokenizer = tokenizers.load(folder)
    lacks = any(tokenizer.token_to_id(text) is None for text in TOKENS)
    if lacks and not weights.add_coordinates:
        raise UserError(
            f"the tokenizer of {folder} lacks coordinate tokens: set model.network.weights.add_coordinates=true, or "
            "give a model that was trained with them"
        )
    model = folders.load(folder, network.dtype, network.attention)
    if lacks:
        tokenizer = add_coordinates(tokenizer)
        with folders.quiet_transformers():
            extend_model(model, vocabulary_of(tokenizer))
    _check_rows(model, tokenizer, folder)
    return model, tokenizer


def _random(weights: Random, network: Network, texts: Callable[[], Iterable[str]]) -> tuple[Any, Any]:
    from transformers import Qwen3VLConfig, Qwen3VLForConditionalGeneration

    tokenizer = tokenizers.load(weights.tokenizer) if weights.tokenizer else _made(weights.entries, texts)
    vocabulary = vocabulary_of(tokenizer)  # says so where it has no coordinates
    ids: dict[str, Any] = {text: tokenizer.token_to_id(text) for text in SPECIALS}
    if missing := [text for text, id_ in ids.items() if id_ is None]:
        raise UserError(f"the tokenizer of {weights.tokenizer} lacks {missing[0]}: take one of the Qwen family")
    config = Qwen3VLConfig(**shape.fields(weights, len(vocabulary.pieces), ids))
    config._attn_implementation = network.attention
    model: Any = Qwen3VLForConditionalGeneration(config)
    with torch.no_grad():
        rows = smooth_rows(weights.hidden, shape.SPREAD)
        model.get_input_embeddings().weight[torch.from_numpy(vocabulary.coord_ids_1000)] = rows
    return model.to(getattr(torch, network.dtype)), tokenizer


def _made(entries: int, texts: Callable[[], Iterable[str]]) -> Any:
    from itertools import islice

    return train_tokenizer([prompt_text(PROMPT), *islice(texts(), MOST_TEXTS)], entries)


def _check_rows(model: Any, tokenizer: Any, folder: Path) -> None:
    rows, wanted = len(model.get_input_embeddings().weight), len(vocabulary_of(tokenizer).pieces)
    if rows < wanted:
        raise UserError(
            f"the tokenizer of {folder} has {wanted} ids, but its embedding has {rows} rows: "
            "give the tokenizer that belongs to the model"
        )
