"""Which labels a file gives, and which objective they and a head were made for."""

from pathlib import Path

import numpy as np
import pytest

from railyard.board.model.config import Encoder
from railyard.board.packs.pack import Pack
from railyard.board.tokens.fit_ev_bins import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.collate import Collate
from railyard.board.training.hard_move import HardMove
from railyard.board.training.labels import (
    RULES,
    MoveLabels,
    MoveTables,
    check_fit,
    labels_of,
    load_labels,
    objective_for,
)
from railyard.board.training.objectives import MacroxueTokens
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
PACK = Pack.open(FIXTURES / "03_pack")
TOKENS, MOVES, VALUES = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json"), MoveLabels(), fit(PACK, knots=3)


@pytest.mark.parametrize("labels", [TOKENS, MOVES, VALUES], ids=["tokens", "moves", "values"])
def test_labels_come_back_from_their_json(labels):
    again = labels_of(labels.to_json())
    assert type(again) is type(labels)
    assert again.fingerprint() == labels.fingerprint()
    rows = np.arange(50)
    np.testing.assert_array_equal(Collate(PACK, again)(rows).targets, Collate(PACK, labels)(rows).targets)


def test_no_file_means_moves():
    assert isinstance(load_labels(None), MoveLabels)


def test_version_1_is_not_trained_on(tmp_path):
    (tmp_path / "old.json").write_text('{"version": 1}')
    with pytest.raises(UserError, match=r"old\.json: version 1 gave poor models"):
        load_labels(tmp_path / "old.json")


@pytest.mark.parametrize(
    ("labels", "head", "objective"),
    [
        (TOKENS, "binned_ev", MacroxueTokens),
        (VALUES, "binned_ev", BinnedEv),
        (MOVES, "binned_ev", HardMove),
        (MOVES, "action_policy", HardMove),
        (TOKENS, "action_policy", HardMove),
    ],
)
def test_what_a_model_was_made_for(labels, head, objective):
    found = objective_for(Encoder(head_type=head), labels)
    assert type(found) is objective
    check_fit(found, labels)


@pytest.mark.parametrize(
    ("objective", "labels", "command"),
    [
        (MacroxueTokens(), VALUES, "railyard tokenizer pack"),
        (MacroxueTokens(), MOVES, "railyard tokenizer pack"),
        (BinnedEv(), TOKENS, "railyard tokenizer kind=ev_bins pack"),
    ],
)
def test_labels_that_do_not_fit(objective, labels, command):
    with pytest.raises(UserError, match=command):
        check_fit(objective, labels)


def test_a_move_that_does_not_exist_is_refused():
    rows = PACK.rows.gather(np.array([0]))
    rows["move_dir"] = 4
    assert RULES[MoveTables](rows[0], MoveTables(), np.empty(4, np.uint8)) != 0
