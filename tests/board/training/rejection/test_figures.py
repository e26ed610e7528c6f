"""Figures of mixes: sums of losses and rows by mix, which add up over batches and ranks."""

import pytest
import torch

from railyard.board.training.binned_ev import BinnedEv
from railyard.board.training.hard_move import HardMove
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.objectives import HEAD_NAMES
from railyard.board.training.rejection.figures import mix_figures
from railyard.core.training.figures import added

NAMES = ("errors", "rest", "absent")


def a_batch(seed, rows=12):
    draw = torch.Generator().manual_seed(seed)
    heads = [torch.randn(rows, 5, generator=draw) for _ in HEAD_NAMES]
    targets = torch.randint(0, 5, (rows, 4), generator=draw)
    moves = torch.randint(0, 4, (rows,), generator=draw)
    return heads, targets, moves, torch.full((rows,), 15), torch.randint(0, 2, (rows,), generator=draw)


def figures_of(objective, batch, first=True):
    heads, targets, moves, legal, mix = batch
    if isinstance(objective, HardMove):
        heads = torch.cat([head[:, :1] for head in heads], dim=1)
    scores = objective.row_scores(heads, targets, moves, legal)
    counts = {name: int((mix == number).sum()) for number, name in enumerate(NAMES[:2])}
    return mix_figures(NAMES, counts, mix, objective.loss_parts(scores), scores["agreed"], first), scores, mix


@pytest.mark.parametrize("objective", [MacroxueTokens(), BinnedEv(), HardMove()])
def test_the_loss_of_a_mix_is_the_objectives_loss_on_its_rows(objective):
    batches = [figures_of(objective, a_batch(seed)) for seed in range(3)]
    found = added(figures for figures, _, _ in batches)
    for number, name in enumerate(NAMES[:2]):
        sums, rows = {}, 0
        for _, scores, mix in batches:
            rows += int((mix == number).sum())
            for key, value in scores.items():
                sums[key] = sums.get(key, 0.0) + float(value[mix == number].sum())
        assert found[f"mix_loss/{name}"].value() == pytest.approx(objective.metrics(sums, rows)["loss"], rel=1e-5)
        assert found[f"mix/{name}"].value() == rows
    assert "mix_loss/absent" not in found


def test_ranks_tell_the_rows_once():
    first, second = (figures_of(MacroxueTokens(), a_batch(0), is_first)[0] for is_first in (True, False))
    assert added([first, second])["mix/errors"].value() == first["mix/errors"].value()


def test_agreement_is_over_all_rows():
    figures, scores, _ = figures_of(MacroxueTokens(), a_batch(7))
    assert figures["train/teacher_agreement"].value() == pytest.approx(float(scores["agreed"].mean()))
