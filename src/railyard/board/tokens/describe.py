"""What a `tokenizer.json` holds, for `railyard show`."""

from pathlib import Path
from typing import Any

from railyard.board.tokens.macroxue import MacroxueTokenizer


def describe(path: Path | str) -> dict[str, Any]:
    """Type, bins, classes, policy, edges and metadata of a tokenizer, JSON-able. UserError as `load`."""
    tokenizer = MacroxueTokenizer.load(path)
    document = tokenizer.to_json()
    return {
        "tokenizer_type": document["tokenizer_type"],
        "num_bins": tokenizer.num_bins,
        "num_classes": tokenizer.num_classes,
        "illegal_policy": tokenizer.illegal_policy,
        "failure_cutoff": tokenizer.failure_cutoff,
        "edges": {name: list(edges) for name, edges in tokenizer.edges.items()},
        "own_tables": list(tokenizer.own_tables),
        "metadata": document["metadata"],
        "fingerprint": tokenizer.fingerprint(),
    }
