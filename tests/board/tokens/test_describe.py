"""What `railyard show` says of tokenizer files."""

import dataclasses
import json
from pathlib import Path

import numpy as np
from version1 import DOCUMENT

from railyard.board.packs.pack import Pack
from railyard.board.tokens.describe import describe, shares
from railyard.board.tokens.fit import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
FILE = FIXTURES / "04_tokenizer_v2_8.json"


def test_a_file_of_version_2():
    facts = describe(FILE)
    assert (facts["version"], facts["num_bins"], facts["num_classes"]) == (2, 8, 11)
    assert (facts["illegal_policy"], facts["failure_cutoff"]) == ("last_bin", -1500)
    assert facts["rows"]["tuple10"] == 217
    assert facts["edges"]["search"].startswith("-61400, -1550.38, -1168, ")
    assert json.loads(json.dumps(facts)) == facts


def test_shares_are_those_of_the_tokens():
    pack = Pack.open(FIXTURES / "03_pack")
    tokenizer = fit(pack, bins=8)
    rows = pack.rows.gather(np.arange(len(pack)))
    tokens_N4 = tokenizer.encode(rows, pack.valuation_names)
    for valuation, name in enumerate(pack.valuation_names):
        counts = (
            np.bincount(tokens_N4[rows["valuation_type"] == valuation].ravel(), minlength=11)
            / (rows["valuation_type"] == valuation).sum()
            / 4
        )
        found = shares(tokenizer)[name]
        assert abs(found["ILLEGAL"] - counts[0]) < 1e-4
        assert abs(found["WINNER"] - counts[10]) < 1e-4
        assert abs(found["FAILURE"] - counts[1]) < 0.02  # lost moves may tie
        assert abs(sum(found.values()) - 1) < 1e-3


def test_metadata_without_counts_tells_nothing(tmp_path):
    dataclasses.replace(MacroxueTokenizer.load(FILE), metadata={"search": {"rows": "many"}}).save(tmp_path / "t.json")
    facts = describe(tmp_path / "t.json")
    assert (facts["classes"], facts["fitted_to"]) == ({}, None)
    assert facts["rows"] == {"search": 0, "tuple10": 0, "tuple11": 0}


def test_a_file_of_version_1(tmp_path):
    (tmp_path / "old.json").write_text(json.dumps(DOCUMENT))
    facts = describe(tmp_path / "old.json")
    assert (facts["version"], facts["num_classes"]) == (1, 5)
    assert facts["delta_edges"] == "0, 0.125, 0.5, 1"
    assert facts["values_at_percentiles_0_25_50_75_100"]["search"] == "-400, -200, 0, 200, 400"
