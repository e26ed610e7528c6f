"""Means that do not depend on how a window is cut, and rows that are not finite."""

import itertools

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from railyard.stage2.objective.reduction import LARGEST, Sums, per_row, reduce, usable


@given(st.lists(st.integers(0, 12), max_size=4), st.integers(0, 2**31))
def test_any_cut_of_a_window_has_the_same_mean_and_gradients(cuts, seed):
    torch.manual_seed(seed)
    inputs_N = torch.randn(12, dtype=torch.float64).requires_grad_()
    weights_N = torch.rand(12, dtype=torch.float64) * (torch.rand(12) > 0.3)
    values_N = inputs_N.square()
    whole = reduce(values_N, weights_N)
    edges = [0, *sorted(cuts), 12]
    parts = [reduce(values_N[a:b], weights_N[a:b]) for a, b in itertools.pairwise(edges)]
    summed = sum(parts[1:], parts[0])
    torch.testing.assert_close(summed.mean(), whole.mean())
    shares = sum(part.share(whole.denominator) for part in parts)
    expected = (weights_N * values_N).sum() / weights_N.sum() if weights_N.sum() else values_N.sum() * 0
    torch.testing.assert_close(shares, expected)
    gradients = [torch.autograd.grad(loss, inputs_N, retain_graph=True)[0] for loss in (shares, expected)]
    torch.testing.assert_close(*gradients)


def test_no_weight_is_zero_without_nan():
    values_N = torch.tensor([3.0, 4.0], requires_grad=True)
    mean = reduce(values_N, torch.zeros(2)).mean()
    mean.backward()
    assert mean == 0
    assert values_N.grad.tolist() == [0, 0]
    assert reduce(torch.zeros(0)).mean() == 0
    assert Sums(0.0, 0.0, 0.0).mean() == 0.0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_rows_that_are_not_finite_are_left_out_and_counted(bad):
    sums = reduce(torch.tensor([1.0, bad, 5.0]), torch.tensor([1.0, 7.0, 3.0]))
    assert (sums.numerator, sums.denominator, sums.nonfinite) == (16, 4, 1)
    assert reduce(torch.tensor([1.0, bad]), torch.tensor([1.0, 0.0])).nonfinite == 0


@pytest.mark.parametrize("bad", [float("nan"), float("inf"), -float("inf"), 3e38])
def test_a_bad_row_sends_no_gradient(bad):
    inputs_N2 = torch.tensor([[1.0, 4.0], [bad, 4.0], [4.0, 9.0]], requires_grad=True)
    values_N = per_row(lambda rows_N2: (rows_N2.sqrt() / rows_N2).sum(dim=1).log())(inputs_N2 + 0)
    sums = reduce(values_N)
    sums.mean().backward()
    assert sums.nonfinite == 1
    assert values_N[1].isnan()
    assert inputs_N2.grad[1].tolist() == [0, 0]
    alone_12 = torch.tensor([[1.0, 4.0]], requires_grad=True)
    ((alone_12.sqrt() / alone_12).sum().log() / 2).backward()
    torch.testing.assert_close(inputs_N2.grad[:1], alone_12.grad)


def test_a_row_is_usable_in_all_tensors_or_not_at_all():
    bins_N = torch.tensor([1, 2, 3])
    logits_N2 = torch.tensor([[0.0, LARGEST], [0.0, 2 * LARGEST], [0.0, -float("inf")]])
    assert usable(logits_N2, bins_N).tolist() == [True, False, False]
    assert usable(bins_N, torch.tensor([0.0, 1.0, float("nan")])).tolist() == [True, True, False]


def test_narrow_numbers_are_widened_first():
    assert per_row(lambda rows: rows + 0)(torch.ones(2, dtype=torch.bfloat16)).dtype == torch.float32
    assert per_row(lambda rows: rows + 0)(torch.ones(2, dtype=torch.float64)).dtype == torch.float64
