import numpy as np
import torch
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import chisquare

from railyard.stage2.rollout.choosing import Greedy, Penalty, Sampling, chooser, likeliest
from railyard.stage2.rollout.config import RolloutMatching

LOGITS = torch.tensor([[2.0, 1.0, 0.0, -1.0, -8.0], [0.0, 0.0, 3.0, 0.0, 0.0]])


def draws(sampling, logits_BV, times):
    return torch.stack([sampling.choose(logits_BV) for _ in range(times)]).numpy()


def test_draws_have_the_shares_of_the_softmax():
    drawn = draws(Sampling(0.7, -1, 1.0, [3]), LOGITS[:1], 4000)[:, 0]
    expected = (LOGITS[0] / 0.7).softmax(-1).double().numpy()[:4]
    counted = np.bincount(drawn, minlength=5)[:4]
    assert chisquare(counted, expected / expected.sum() * counted.sum()).pvalue > 1e-4


def test_an_answers_draws_are_its_own_whoever_is_beside_it():
    alone = draws(Sampling(1.0, -1, 1.0, [5]), LOGITS[:1], 50)[:, 0]
    beside = draws(Sampling(1.0, -1, 1.0, [9, 5]), LOGITS.flip(0), 50)[:, 1]
    assert alone.tolist() == beside.tolist()
    left = Sampling(1.0, -1, 1.0, [9, 5])
    before = draws(left, LOGITS.flip(0), 20)[:, 1]
    left.keep(torch.tensor([1]))
    assert [*before, *draws(left, LOGITS[:1], 30)[:, 0]] == alone.tolist()
    assert draws(Sampling(1.0, -1, 1.0, [6]), LOGITS[:1], 50)[:, 0].tolist() != alone.tolist()


def test_no_global_generator_is_touched():
    torch.manual_seed(1)
    wanted = torch.rand(3)
    torch.manual_seed(1)
    draws(Sampling(1.0, 2, 0.9, [0, 1]), LOGITS, 3)
    assert torch.rand(3).tolist() == wanted.tolist()


def test_few_are_left_to_draw_from():
    assert likeliest(LOGITS, 2, 1.0).isfinite().tolist() == [[1, 1, 0, 0, 0], [1, 1, 1, 1, 1]]  # equal ones all stay
    assert likeliest(LOGITS, -1, 0.6).isfinite().tolist()[0] == [1, 0, 0, 0, 0]
    assert likeliest(LOGITS, -1, 0.7).isfinite().tolist()[0] == [1, 1, 0, 0, 0]
    assert likeliest(LOGITS, -1, 1e-9).isfinite().sum(-1).tolist() == [1, 1]
    assert likeliest(LOGITS, 9, 1.0).tolist() == LOGITS.tolist()


@given(st.integers(0, 10**6), st.floats(0.05, 1), st.integers(1, 12))
def test_the_fewest_that_hold_the_mass_are_left(seed, top_p, top_k):
    logits = torch.randn(1, 10, generator=torch.Generator().manual_seed(seed)).double()
    left = likeliest(logits, top_k, top_p).isfinite()[0]
    order = logits[0].argsort(descending=True)[:top_k]
    mass = logits[0][order].softmax(-1).cumsum(-1)
    wanted = int((mass < top_p - 1e-12).sum()) + 1
    assert sorted(order[:wanted].tolist()) == left.nonzero()[:, 0].tolist()


def test_written_tokens_become_less_likely():
    penalty = Penalty(2.0)
    assert penalty(LOGITS).tolist() == LOGITS.tolist()
    penalty.note(torch.tensor([0, 1]))
    penalty.note(torch.tensor([3, 1]))
    assert penalty(LOGITS).tolist() == [[1.0, 1.0, 0.0, -2.0, -8.0], [0.0, 0.0, 3.0, 0.0, 0.0]]
    penalty.keep(torch.tensor([1, 0, 0]))
    assert penalty(LOGITS[[1, 0, 0]])[:, 0].tolist() == [0.0, 1.0, 1.0]
    off = Penalty(1.0)
    off.note(torch.tensor([0, 1]))
    assert off(LOGITS.bfloat16()).dtype == torch.float32


def test_the_mode_names_the_choice():
    assert isinstance(chooser(RolloutMatching(), [0, 1]), Greedy)
    assert chooser(RolloutMatching(), [0, 1]).choose(LOGITS).tolist() == [0, 2]
    sampling = chooser(RolloutMatching(decode_mode="sample", temperature=1e-4), [0, 1])
    assert sampling.choose(LOGITS).tolist() == [0, 2]
