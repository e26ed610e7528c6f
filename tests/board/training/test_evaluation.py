"""Which objective an init folder is scored with, and which rows of which games are looked at."""

from pathlib import Path

import numpy as np
import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.init_folder import read_init, write_init
from railyard.board.packs.pack import Pack
from railyard.board.tokens.fit_ev_bins import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.played_move import PlayedMove
from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.collate import Collate
from railyard.board.training.config import BoardEvaluation, PackData
from railyard.board.training.evaluation import evaluate, objective_for
from railyard.board.training.hard_move import HardMove
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.outcomes import NO_LABEL, DiesWithin, Reaches
from railyard.board.training.split import Split

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


PACK = Pack.open(FIXTURES / "03_pack")
DATA = PackData(pack=PACK.path, tokenizer=FIXTURES / "04_tokenizer_v2_8.json", validation_fraction=0.4)
SIDES = Split.of(PACK.runs.steps, DATA.validation_fraction, DATA.split_seed)
EVERY = np.arange(len(PACK.runs))


class How(BoardEvaluation):
    """An evaluation that needs no `_target_`."""


def scored(split, limit_rows=None):
    how = How(split=split, limit_rows=limit_rows, batch_size=50, device="cpu")
    return evaluate(FIXTURES / "08_encoder_binned_gqa", DATA, None, how)


@pytest.mark.parametrize(
    ("split", "runs"), [("train", SIDES.train), ("validation", SIDES.validation), ("all", EVERY)], ids=lambda v: str(v)
)
def test_the_rows_of_a_side_are_scored(split, runs):
    found = scored(split)
    rows = PACK.rows.gather(np.flatnonzero(np.isin(np.repeat(EVERY, PACK.runs.steps), runs)))
    assert (found.rows, found.games) == (len(rows), len(runs))
    tiles, counts = np.unique(rows["max_rank"], return_counts=True)
    assert {tile: group["rows"] for tile, group in found.by_highest_tile.items()} == {
        str(2 ** int(tile)): count for tile, count in zip(tiles, counts, strict=True)
    }


@pytest.mark.parametrize(
    ("rows", "games"), [(1, 1), (79, 1), (80, 1), (81, 2), (160, 2), (240, 3), (241, 4), (9999, 4)]
)
def test_games_of_a_limited_evaluation_are_those_that_rows_were_taken_of(rows, games):
    assert PACK.runs.steps[SIDES.validation].tolist() == [80, 80, 80, 14]
    assert scored("validation", rows).games == games


@pytest.fixture
def valued(tmp_path):
    torch.manual_seed(0)
    model, tokenizer = read_init(FIXTURES / "08_encoder_binned_gqa")
    write_init(tmp_path / "init", BoardEncoder(model.config.with_value_heads(["p_die", "reach"])), tokenizer)
    return tmp_path / "init"


OUTCOMES = {"reach": Reaches(tile=512), "p_die": DiesWithin(moves=30)}


def test_value_heads_are_scored_on_the_rows_with_a_label(valued):
    how = How(split="all", batch_size=50, device="cpu")
    found = evaluate(valued, DATA, None, how, OUTCOMES).value_heads
    batch = Collate([PACK], TOKENS, OUTCOMES)(np.arange(len(PACK)))
    with torch.inference_mode():
        values = read_init(valued)[0].eval()(torch.from_numpy(batch.tokens)).values
    assert list(found) == ["p_die", "reach"]
    for place, name in enumerate(OUTCOMES):
        known = batch.values[:, place] != NO_LABEL
        said = values[name].squeeze(1).sigmoid().numpy()[known]
        brier = ((said - batch.values[known, place]) ** 2).mean()
        assert found[name].metrics["rows"] == known.sum() > 0
        assert found[name].metrics["brier"] == pytest.approx(brier, rel=1e-5)


def test_heads_of_which_nobody_knows_what_they_learned_are_named(valued, caplog):
    how = How(split="all", limit_rows=50, device="cpu")
    assert list(evaluate(valued, DATA, None, how, {"reach": OUTCOMES["reach"]}).value_heads) == ["reach"]
    assert "value heads without figures: p_die" in caplog.text
