"""Fitted edges against the reference's and against NumPy, and packs that lack what a fit needs."""

import json
import logging
import sqlite3
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra.numpy import arrays

from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import STEP
from railyard.board.tokens import fit as fitting
from railyard.board.tokens.fit import fit, fit_edges
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
REFERENCE = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json")


def write_pack(folder, rows, names=("search", "tuple11", "tuple10")):
    folder.mkdir()
    np.save(folder / "steps.npy", rows)
    (folder / "valuation_types.json").write_text(json.dumps({name: i for i, name in enumerate(names)}))
    database = sqlite3.connect(folder / "metadata.db")
    database.execute("CREATE TABLE runs(id INTEGER PRIMARY KEY, seed, steps, max_score, highest_tile)")
    database.execute("INSERT INTO runs VALUES (0, 1, ?, 2, 3)", (len(rows),))
    database.commit()
    database.close()
    return Pack.open(folder)


def rows_of(valuation, count, seed=0):
    """Rows in which move 0 was played and three worse ones were legal."""
    rows = np.zeros(count, STEP)
    rows["valuation_type"], rows["ev_legal"] = valuation, 15
    rows["branch_evs"] = np.random.default_rng(seed).uniform(0.01, 0.9, (count, 4))
    rows["branch_evs"][:, 0] = 1.0
    return rows


def test_the_reference_fit():
    tokenizer = fit(Pack.open(FIXTURES / "03_pack"), bins=8)
    assert tokenizer.edges == REFERENCE.edges
    assert tokenizer.failure_cutoff == REFERENCE.failure_cutoff
    assert tokenizer.metadata == REFERENCE.metadata
    assert tokenizer.illegal_policy == "illegal"


def test_the_policy_is_the_one_asked_for():
    pack = Pack.open(FIXTURES / "03_pack")
    assert fit(pack, bins=8, illegal_policy="last_bin") == REFERENCE
    assert fit(pack, bins=8).illegal_policy == "illegal"


def test_edges_are_the_quantiles_of_each_type_alone(tmp_path):
    pack = write_pack(tmp_path / "pack", np.concatenate([rows_of(v, 50, v) for v in (1, 2, 1, 0)]))
    tokenizer = fit(pack, bins=5)
    rows = pack.rows.gather(np.arange(len(pack)))
    for valuation, name in ((1, "tuple11"), (2, "tuple10")):
        evs = rows["branch_evs"][rows["valuation_type"] == valuation].astype(np.float64)
        expected = np.quantile(evs[:, 1:] - evs[:, :1], np.linspace(0, 1, 6))
        np.testing.assert_array_equal(tokenizer.edges[name][:-1], expected[:-1])


def test_the_chunking_does_not_matter(monkeypatch):
    pack = Pack.open(FIXTURES / "03_pack")
    whole, steps = fit(pack, bins=8), []
    monkeypatch.setattr(fitting, "CHUNK_ROWS", 7)
    assert fit(pack, bins=8, progress=lambda done, total: steps.append((done, total))) == whole
    assert steps[-1] == (4 * len(pack), 4 * len(pack))
    assert steps == sorted(set(steps))


def test_a_pack_of_search_rows_alone(tmp_path, caplog):
    with caplog.at_level(logging.WARNING):
        tokenizer = fit(write_pack(tmp_path / "pack", rows_of(0, 40)), bins=4)
    assert tokenizer.edges["tuple10"] == tokenizer.edges["tuple11"] == (-1.0, -0.75, -0.5, -0.25, 0.0)
    assert tokenizer.edges["search"][0] < -500
    assert [message for message in caplog.messages if "uniform edges" in message] == [
        "tuple10 has 0 moves to fit 4 bins to: it gets uniform edges on [-1, 0]",
        "tuple11 has 0 moves to fit 4 bins to: it gets uniform edges on [-1, 0]",
    ]
    assert tokenizer.metadata["tuple11"] == dict.fromkeys(fitting.METADATA_COUNTS, 0)


def test_search_rows_too_get_uniform_edges_if_they_are_too_few(tmp_path):
    tokenizer = fit(write_pack(tmp_path / "pack", rows_of(0, 1)), bins=4)
    assert tokenizer.edges["search"] == (-1.0, -0.75, -0.5, -0.25, 0.0)


@pytest.mark.parametrize(("rows", "uniform"), [(1, True), (2, False)])
def test_as_many_worse_moves_as_bins_are_enough(tmp_path, rows, uniform):
    tokenizer = fit(write_pack(tmp_path / "pack", rows_of(2, rows)), bins=6)
    assert (tokenizer.edges["tuple10"] == tokenizer.edges["tuple11"]) == uniform


def test_own_tables_are_fitted_where_rows_use_them(tmp_path):
    names = ("search", "tuple11", "tuple10", "endgame", "unused")
    tokenizer = fit(write_pack(tmp_path / "pack", rows_of(3, 40), names), bins=4)
    assert tokenizer.own_tables == ("endgame",)
    assert tokenizer.metadata["endgame"]["rows"] == 40


def test_a_table_may_not_take_the_name_of_a_key(tmp_path):
    pack = write_pack(tmp_path / "pack", rows_of(3, 40), ("search", "tuple11", "tuple10", "metadata"))
    with pytest.raises(UserError, match="the name metadata, which is a key of its own"):
        fit(pack, bins=4)


def test_a_bad_row_is_named(tmp_path, monkeypatch):
    rows = rows_of(0, 40)
    rows["move_dir"][23] = 200
    monkeypatch.setattr(fitting, "CHUNK_ROWS", 10)
    with pytest.raises(UserError, match=r"row 23 of .*pack has the move 200"):
        fit(write_pack(tmp_path / "pack", rows), bins=4)


negative = st.floats(-(2.0**31), -1.1e-9, allow_subnormal=False)


@given(arrays(np.float64, st.integers(2, 17), elements=negative).map(np.sort))
def test_edges_increase_and_end_in_zero(quantiles):
    edges = np.array(fit_edges(quantiles))
    assert len(edges) == len(quantiles)
    assert (np.diff(edges) > 0).all()
    assert edges[-1] == 0
    if (np.diff(quantiles[:-1]) > 0).all():
        np.testing.assert_array_equal(edges[:-1], quantiles[:-1])


def test_equal_quantiles_are_moved_apart_by_a_billionth():
    assert fit_edges(np.array([-0.5, -0.25, -0.25, -0.25, -0.25])) == (-0.5, -0.25, -0.25 + 1e-9, -0.25 + 2e-9, 0.0)


def test_edges_that_would_pass_zero_stay_below_it():
    edges = np.array(fit_edges(np.full(9, -2e-9)))
    assert edges[-1] == 0
    assert (np.diff(edges) > 0).all()
