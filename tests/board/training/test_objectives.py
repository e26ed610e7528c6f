"""What objectives have in common: which labels and heads each can learn from."""

import math
import subprocess
import sys
from pathlib import Path

import pytest
import torch

from railyard.board.packs.pack import Pack
from railyard.board.tokens.fit_ev_bins import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.played_move import PlayedMove
from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.hard_move import HardMove
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.objectives import agreed, perplexity
from railyard.core.errors import UserError

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
PACK = Pack.open(FIXTURES / "03_pack")
TOKENS, MOVES, VALUES = MacroxueTokenizer.load(FIXTURES / "04_tokenizer_v2_8.json"), PlayedMove(), fit(PACK, knots=3)


@pytest.mark.parametrize(
    ("objective", "labels", "command"),
    [
        (MacroxueTokens(), VALUES, "MacroxueTokens: make one with `railyard tokenizer pack=… out=…`"),
        (MacroxueTokens(), MOVES, "MacroxueTokens: make one with `railyard tokenizer pack=… out=…`"),
        (BinnedEv(), TOKENS, "BinnedEv: make one with `railyard tokenizer kind=ev_bins pack=… out=…`"),
    ],
)
def test_labels_that_do_not_fit(objective, labels, command):
    assert not objective.accepts(labels)
    with pytest.raises(UserError, match=f"^data.tokenizer does not fit the objective {command}$"):
        objective.check(labels)


@pytest.mark.parametrize(
    ("objective", "labels"),
    [(MacroxueTokens(), TOKENS), (BinnedEv(), VALUES), (HardMove(), MOVES), (HardMove(), TOKENS), (HardMove(), VALUES)],
)
def test_labels_that_fit(objective, labels):
    objective.check(labels)


def test_illegal_moves_are_not_preferred():
    preference, moves = torch.tensor([[3.0, 2.0, 1.0, 0.0]]), torch.tensor([1])
    assert agreed(preference, moves, torch.tensor([0b1111])).tolist() == [0.0]
    assert agreed(preference, moves, torch.tensor([0b1110])).tolist() == [1.0]


@pytest.mark.parametrize("objective", ["binned_ev", "hard_move", "macroxue_tokens"])
def test_describing_an_objective_needs_nothing_heavy(objective):
    code = f"import sys, railyard.board.training.{objective}; sys.exit(bool({{'torch', 'numba'}} & {{*sys.modules}}))"
    subprocess.run([sys.executable, "-c", code], check=True)


@pytest.mark.parametrize(
    ("objective", "classes"), [(BinnedEv(), 3), (HardMove(), 1), (MacroxueTokens(), 3)], ids=lambda part: str(part)[:9]
)
@pytest.mark.parametrize("value", [math.nan, math.inf, -math.inf])
def test_a_row_with_a_logit_that_is_not_finite_is_right_nowhere_and_counted(objective, classes, value):
    torch.manual_seed(0)
    heads = list(torch.randn(4, 5, classes))
    heads[2][3] = value
    zeros = torch.zeros(5, dtype=torch.uint8)
    cases = [(zeros[:, None].expand(5, 4) + label, zeros + move) for label in range(classes) for move in range(4)]
    every = [objective.row_scores(heads, targets, moves, zeros + 15) for targets, moves in cases]
    right = sum(scores["agreed"] + scores.get("right", torch.zeros(5)) for scores in every)
    assert (right > 0).tolist() == [True, True, True, False, True]
    assert every[0]["nonfinite_rows"].tolist() == [0, 0, 0, 1, 0]
    sums = {name: score.nan_to_num(0, 0, 0).sum().item() for name, score in every[0].items()}
    assert objective.metrics(sums, 5)["nonfinite_rows"] == 1
    assert "nonfinite_rows" not in objective.metrics({**sums, "nonfinite_rows": 0.0}, 5)


def test_a_perplexity_beyond_floats_is_infinite():
    assert (perplexity(math.log(8)), perplexity(1e4)) == (pytest.approx(8), math.inf)
    assert math.isnan(perplexity(math.nan))


@pytest.mark.parametrize("objective", [MacroxueTokens(), BinnedEv(), HardMove()])
def test_each_figure_is_explained_with_what_a_guess_gets(objective):
    rows, classes = 64, 1 if isinstance(objective, HardMove) else 11
    logits = [torch.zeros(rows, classes) for _ in range(4)]
    targets, moves = torch.randint(classes, (rows, 4)), torch.arange(rows) % 4
    scores = objective.row_scores(logits, targets, moves, torch.full((rows,), 15))
    figures = objective.metrics({name: float(score.sum()) for name, score in scores.items()}, rows)
    said = objective.meanings(classes)
    assert figures.keys() <= said.keys()
    for name in ("loss", "loss_up"):
        assert f"{figures[name]:.4f}" in said[name]
    assert figures["perplexity"] == pytest.approx(float(said["perplexity"].rpartition(" ")[2]))
