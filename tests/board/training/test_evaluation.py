"""Which objective an init folder is scored with."""

from pathlib import Path

import pytest

from railyard.board.model.config import Encoder
from railyard.board.packs.pack import Pack
from railyard.board.tokens.fit_ev_bins import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.played_move import PlayedMove
from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.evaluation import objective_for
from railyard.board.training.hard_move import HardMove
from railyard.board.training.macroxue_tokens import MacroxueTokens

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
TOKENS, MOVES = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json"), PlayedMove()
VALUES = fit(Pack.open(FIXTURES / "03_pack"), knots=3)


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
def test_a_model_is_scored_with_the_objective_that_it_was_made_for(labels, head, objective):
    encoder = Encoder(head_type=head).with_bins(labels.num_classes)
    assert type(objective_for(encoder, labels)) is objective
