"""Tokenizer files of any version: `load_tokenizer` tells them apart."""

from pathlib import Path
from typing import Any

from railyard.board.tokens import json_fields, percentile_json
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer

Tokenizer = MacroxueTokenizer | PercentileTokenizer


def load_tokenizer(path: Path | str) -> Tokenizer:
    """The tokenizer of a file, by its `version`. UserError names the file, the key and what was expected."""
    return json_fields.read(path, _from_json)


def _from_json(document: Any) -> Tokenizer:
    if isinstance(document, dict) and document.get("version") == percentile_json.VERSION:
        return PercentileTokenizer.from_json(document)
    return MacroxueTokenizer.from_json(document)
