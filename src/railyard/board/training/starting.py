"""`model.init=FOLDER`: a run that starts from the weights of an init folder, with a fresh optimizer and at step 0.

What does not fit is told from config.json and tokenizer.json, without torch.
"""

from pathlib import Path
from typing import Any

from railyard.board.model.config import Encoder
from railyard.board.model.folder import TOKENIZER_FILE, read_config, weight_file
from railyard.board.tokens.registry import load_labels
from railyard.board.tokens.tokenizer import Labels
from railyard.core.errors import UserError

Heads = list[dict[str, Any]]  # as config.json lists them

FREE = frozenset({"dropout_prob", "attention_dropout_prob"})  # may be others than those it was trained with


def check_init(init: Path, encoder: Encoder, labels: Labels) -> None:
    """UserError where an init folder holds no weights, those of another network, or was trained on other labels."""
    before, wanted = read_config(init).model_dump(), encoder.model_dump()
    if weight_file(init) is None:
        raise UserError(f"{init} holds no weights: give the init folder of a trained model")
    _check_value_heads(init, before.pop("value_heads"), wanted.pop("value_heads"))
    if differing := [name for name in wanted if name not in FREE and before[name] != wanted[name]]:
        told = ", ".join(f"{name} is {before[name]} there and {wanted[name]} here" for name in differing)
        raise UserError(f"{init} is another network: {told}; give model.encoder the values that it has there")
    tokenizer = init / TOKENIZER_FILE
    if load_labels(tokenizer if tokenizer.exists() else None).fingerprint() != labels.fingerprint():
        raise UserError(f"{init} learned other classes than those of data.tokenizer: data.tokenizer={tokenizer}")


def _check_value_heads(init: Path, before: Heads, wanted: Heads) -> None:
    """New heads may be missing in the folder, and begin with fresh weights."""
    if lost := [
        f"{head['name']} ({head['dim']} logit{'s' * (head['dim'] > 1)})" for head in before if head not in wanted
    ]:
        raise UserError(
            f"{init} has value heads that this run lacks: {', '.join(lost)}; name them in model.value_heads, each with "
            "what it learns"
        )
