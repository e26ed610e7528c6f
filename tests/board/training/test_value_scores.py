"""Figures of value heads against a loop over single rows."""

import math

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.board.training.outcomes import NO_LABEL
from railyard.board.training.value_scores import losses, meanings, metrics, row_scores

row = st.tuples(st.floats(-8, 8), st.sampled_from([0, 1, NO_LABEL]), st.floats(-8, 8), st.sampled_from([0, NO_LABEL]))


def heads(rows):
    logits = torch.tensor([[a, b] for a, _, b, _ in rows], dtype=torch.float32).reshape(-1, 2)
    labels = torch.tensor([[a, b] for _, a, _, b in rows], dtype=torch.uint8).reshape(-1, 2)
    return {"first": logits[:, :1], "second": logits[:, 1:]}, labels


def one_by_one(pairs):
    """(mean cross-entropy, Brier score) of the (logit, label) that have one; None where none has."""
    known = [(1 / (1 + math.exp(-logit)), label) for logit, label in pairs if label != NO_LABEL]
    if not known:
        return None
    loss = sum(-math.log(p if label else 1 - p) for p, label in known) / len(known)
    return loss, sum((p - label) ** 2 for p, label in known) / len(known)


@settings(max_examples=40, deadline=None)
@given(st.lists(row, min_size=1, max_size=20))
def test_figures_are_those_of_the_rows_with_a_label(rows):
    values, labels = heads(rows)
    sums = {name: float(score.double().sum()) for name, score in row_scores(values, labels).items()}
    found, mean = metrics(sums), losses(values, labels)
    for name, pairs in (("first", [row[:2] for row in rows]), ("second", [row[2:] for row in rows])):
        wanted = one_by_one(pairs)
        if wanted is None:
            assert f"value_{name}_loss" not in found
            assert mean[name] == 0
        else:
            assert (found[f"value_{name}_loss"], found[f"value_{name}_brier"]) == pytest.approx(wanted, abs=1e-4)
            assert float(mean[name]) == pytest.approx(wanted[0], abs=1e-4)


def test_a_row_without_a_label_pulls_at_nothing():
    values, labels = heads([(0.5, NO_LABEL, 1.0, 0), (2.0, 1, 1.0, NO_LABEL)])
    logits = {name: logit.clone().requires_grad_() for name, logit in values.items()}
    sum(losses(logits, labels).values()).backward()
    assert (logits["first"].grad[0], logits["second"].grad[1]) == (0, 0)
    assert logits["first"].grad[1] < 0 < logits["second"].grad[0]


def test_the_loss_is_computed_in_float32():
    values, labels = heads([(3.0, 1, 0.0, 0)])
    half = {name: logits.bfloat16() for name, logits in values.items()}
    assert {loss.dtype for loss in losses(half, labels).values()} == {torch.float32}


def test_without_heads_there_is_nothing():
    nothing = torch.zeros(3, 0, dtype=torch.uint8)
    assert losses({}, nothing) == row_scores({}, nothing) == metrics({"loss_up": 1.0}) == {}


def test_each_figure_is_explained_with_what_one_half_gets():
    logits, labels = heads([(0.0, 1, 0.0, 0), (0.0, 0, 0.0, 0)])
    scores = row_scores(logits, labels)
    said, figures = meanings(logits), metrics({name: float(score.sum()) for name, score in scores.items()})
    assert figures.keys() == said.keys()
    for name, value in figures.items():
        assert f"{value:.4f}".rstrip("0") in said[name]
