"""Tokenizer files told apart, and the labels that training takes from them."""

import json
from pathlib import Path

import numpy as np
import pytest
from version1 import DOCUMENT

from railyard.board.packs.pack import Pack
from railyard.board.tokens import registry
from railyard.board.tokens.fit_ev_bins import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.board.tokens.played_move import PlayedMove
from railyard.board.training.collate import Collate
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
FILE = FIXTURES / "04_tokenizer_v2_8.json"
PACK = Pack.open(FIXTURES / "03_pack")
TOKENS, MOVES, VALUES = MacroxueTokenizer.load(FILE), PlayedMove(), fit(PACK, knots=3)


def test_each_kind_has_its_class(tmp_path):
    (tmp_path / "old.json").write_text(json.dumps(DOCUMENT))
    VALUES.save(tmp_path / "values.json")
    assert isinstance(registry.load(tmp_path / "old.json"), PercentileTokenizer)
    assert registry.load(tmp_path / "values.json") == VALUES
    assert registry.load(FILE) == TOKENS


def test_a_kind_is_the_name_of_its_class():
    assert all(kind.tokenizer.kind == name for name, kind in registry.KINDS.items())


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
        registry.load(tmp_path / "tokenizer.json")


@pytest.mark.parametrize("labels", [TOKENS, MOVES, VALUES], ids=["tokens", "moves", "values"])
def test_labels_come_back_from_their_json(labels):
    again = registry.labels_of(labels.to_json())
    assert type(again) is type(labels)
    assert again.fingerprint() == labels.fingerprint()
    rows = np.arange(50)
    np.testing.assert_array_equal(Collate([PACK], again)(rows).targets, Collate([PACK], labels)(rows).targets)


def test_no_file_means_moves():
    assert isinstance(registry.load_labels(None), PlayedMove)


def test_version_1_is_not_trained_on(tmp_path):
    (tmp_path / "old.json").write_text('{"version": 1}')
    with pytest.raises(UserError, match=r"old\.json: version 1 gave poor models"):
        registry.load_labels(tmp_path / "old.json")
