"""Facts of a model folder for `railyard show`, told without torch."""

from pathlib import Path
from typing import Any

from railyard.stage2.language import tokenizer as tokenizers
from railyard.stage2.model import files, shape
from railyard.stage2.scenes.coordinates import TOKENS


def describe(folder: Path) -> dict[str, Any]:
    """Kind, size by parts, vocabulary and fingerprint; UserError for a folder of another kind or a damaged one.

    The sums of a manifest that is there are compared with the files.
    """
    config = files.check(folder)
    tokenizer = tokenizers.load(folder)
    text = config["text_config"]
    return {
        "kind": "stage2 model",
        "path": str(folder),
        "fingerprint": files.checked_fingerprint(folder),
        "parameters": shape.parameters(config),
        "hidden": text["hidden_size"],
        "layers": text["num_hidden_layers"],
        "vision_layers": config["vision_config"]["depth"],
        "vocabulary": tokenizer.get_vocab_size(),
        "coordinates": sum(tokenizer.token_to_id(token) is not None for token in TOKENS),
    }
