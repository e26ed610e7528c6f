"""Tokenizers of expected values: against their parts, from the pack to the file and back."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.packs.pack import Pack
from railyard.board.tokens import fit_ev_bins
from railyard.board.tokens.config import FitTokenizer, Tokenize
from railyard.board.tokens.ev_binner import NO_VALUE, EvBinner
from railyard.board.tokens.ev_bins import EvBinTokenizer, bin_of
from railyard.board.tokens.percentiles import percentiles
from railyard.board.training.collate import Collate
from railyard.core.errors import UserError

PACK = Pack.open(Path(__file__).parents[2] / "fixtures" / "board" / "03_pack")
FITTED = fit_ev_bins.fit(PACK, knots=33)
BINNERS = [
    EvBinner(),
    EvBinner(special_zero_one=False),
    EvBinner(strategy="upper_bounds", edges=[0.25, 0.5, 1.0]),
]


@pytest.mark.parametrize("binner", BINNERS, ids=["edges", "no special", "upper bounds"])
@given(share=st.one_of(st.floats(0, 1), st.sampled_from([*BINNERS[0].edges, 0.25, 0.25 + 2**-54])))
def test_the_compiled_bin_is_the_binners(binner, share):
    tables = EvBinTokenizer(FITTED.knots, binner).tables(PACK.valuation_names)
    assert bin_of(share, tables) == binner.bins(np.array([share]))[0]


def test_knots_are_quantiles_of_the_legal_values():
    rows = PACK.rows.gather(np.arange(len(PACK)))
    legal = (rows["ev_legal"][:, None] >> np.arange(4) & 1).astype(bool)
    for valuation, name in enumerate(PACK.valuation_names):
        of_type = rows["valuation_type"] == valuation
        values = rows["branch_evs"][of_type][legal[of_type]].astype(np.float64)
        np.testing.assert_array_equal(FITTED.knots[name], np.quantile(values, np.linspace(0, 1, 33)))
        assert FITTED.metadata["values"][name] == len(values)


def test_targets_are_bins_of_percentiles():
    rows = PACK.rows.gather(np.arange(len(PACK)))
    targets = Collate([PACK], FITTED)(np.arange(len(PACK))).targets
    for row, found in zip(rows, targets, strict=True):
        knots = np.array(FITTED.knots[PACK.valuation_names[row["valuation_type"]]])
        classes = FITTED.binner.bins(percentiles(row["branch_evs"], knots))
        legal = row["ev_legal"] >> np.arange(4) & 1
        assert found.tolist() == np.where(legal, classes, NO_VALUE).tolist()


def test_the_file_keeps_everything(tmp_path):
    FITTED.save(tmp_path / "tokenizer.json")
    again = EvBinTokenizer.load(tmp_path / "tokenizer.json")
    assert (again.to_json(), again.fingerprint()) == (FITTED.to_json(), FITTED.fingerprint())


@pytest.mark.parametrize(
    ("change", "message"),
    [
        ({"tokenizer_type": "x"}, "tokenizer_type is 'x'"),
        ({"schema_version": 2}, "schema_version is 2"),
        ({"percentile_knots": {"search": [2.0, 1.0]}}, r"percentile_knots\.search has to be at least two ascending"),
        ({"percentile_knots": {"a": [0.0, 1.0], "b": [0.0, 1.0, 2.0]}}, "lists of several lengths"),
        ({"ev_binner": {"edges": [0.0, "x"]}}, r"ev_binner\.edges\.1: "),
        ({"metadata": 1}, "metadata is 1"),
    ],
)
def test_a_bad_file_is_named_by_its_key(tmp_path, change, message):
    path = tmp_path / "tokenizer.json"
    path.write_text(json.dumps({**FITTED.to_json(), **change}))
    with pytest.raises(UserError, match=message):
        EvBinTokenizer.load(path)


def test_the_verb(tmp_path):
    out = tmp_path / "tokenizer.json"
    result = FitTokenizer(pack=PACK.path, out=out, kind="ev_bins").run()
    assert result["num_classes"] == 34
    assert EvBinTokenizer.load(out).num_classes == 34
    assert result == {"out": str(out), **json.loads(json.dumps(EvBinTokenizer.load(out).describe()))}


def test_tokenizing_gives_the_targets(tmp_path):
    FITTED.save(tmp_path / "tokenizer.json")
    result = Tokenize(tokenizer=tmp_path / "tokenizer.json", pack=PACK.path, out=tmp_path / "tokens.npy").run()
    tokens = np.load(tmp_path / "tokens.npy")
    np.testing.assert_array_equal(tokens, Collate([PACK], FITTED)(np.arange(len(PACK))).targets)
    assert list(result["classes"]) == [*(f"BIN_{index}" for index in range(FITTED.num_classes)), "NO_VALUE"]
    assert result["classes"]["NO_VALUE"] == (tokens == NO_VALUE).sum()
    assert sum(result["classes"].values()) == tokens.size
