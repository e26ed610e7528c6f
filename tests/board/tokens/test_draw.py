"""Plots of tokenizer files: which there are, and the line where there cannot be any."""

import dataclasses
import json
import logging
from pathlib import Path

import pytest
from version1 import DOCUMENT

from railyard.board.packs.pack import Pack
from railyard.board.tokens.draw import draw
from railyard.board.tokens.fit_ev_bins import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.tokenizer import Tokenizer
from railyard.core.runs import plots

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
FILE = FIXTURES / "04_tokenizer_v2_8.json"
PNG = b"\x89PNG"


@pytest.mark.parametrize(
    ("document", "names"),
    [
        (MacroxueTokenizer.load(FILE), ["edges_search.png", "edges_tuples.png", "classes.png"]),
        (dataclasses.replace(MacroxueTokenizer.load(FILE), metadata={}), ["edges_search.png", "edges_tuples.png"]),
        (fit(Pack.open(FIXTURES / "03_pack"), knots=3), ["knots_0.png", "knots_1.png", "knots_2.png"]),
        (DOCUMENT, ["knots_0.png", "knots_1.png", "knots_2.png"]),
    ],
)
def test_plots_of_each_kind(tmp_path, document, names):
    pytest.importorskip("matplotlib")
    document = document.to_json() if isinstance(document, Tokenizer) else document
    (tmp_path / "t.json").write_text(json.dumps(document))
    drawn = draw(tmp_path / "t.json", tmp_path)
    assert [path.name for path in drawn] == names
    assert all(path.read_bytes().startswith(PNG) for path in drawn)


def test_without_matplotlib_there_is_a_line(tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(plots, "available", lambda: False)
    with caplog.at_level(logging.WARNING):
        assert draw(FILE, tmp_path) == []
    assert caplog.messages == ["no plots: matplotlib is missing; pip install 'railyard[plots]' brings it"]
