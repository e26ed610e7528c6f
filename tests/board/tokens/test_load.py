"""Tokenizer files told apart by their version."""

import json
from pathlib import Path

import pytest
from version1 import DOCUMENT

from railyard.board.tokens.load import load_tokenizer
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.core.errors import UserError

FILE = Path(__file__).parents[2] / "fixtures" / "board" / "04_tokenizer_v2_8.json"


def test_each_version_has_its_class(tmp_path):
    (tmp_path / "old.json").write_text(json.dumps(DOCUMENT))
    assert isinstance(load_tokenizer(tmp_path / "old.json"), PercentileTokenizer)
    assert load_tokenizer(FILE) == MacroxueTokenizer.load(FILE)


@pytest.mark.parametrize(
    ("document", "message"),
    [
        ({"version": 3, "tokenizer_type": "macroxue_ev_advantage_v2"}, "tokenizer.json: version is 3, expected 2"),
        ({"vocab": {}}, "tokenizer.json: tokenizer_type is missing"),
        ({"version": 1}, "tokenizer.json: percentile_grid is missing"),
        ([], "does not hold a JSON object"),
    ],
)
def test_other_files_are_refused(tmp_path, document, message):
    (tmp_path / "tokenizer.json").write_text(json.dumps(document))
    with pytest.raises(UserError, match=message):
        load_tokenizer(tmp_path / "tokenizer.json")
