import math

import torch

from railyard.tlg8.training.batch import Batch
from railyard.tlg8.training.objectives import hits_any
from railyard.tlg8.training.projection import Strict, TopK, projection_losses

WIDTHS = (8, 6, 4, 4, 8, 2)


def test_the_loss_is_half_and_half_for_two_classes_of_each_head():
    torch.manual_seed(0)
    logits = torch.randn(3, 32)
    classes = torch.stack([torch.stack([torch.randperm(width)[:2] for width in WIDTHS]) for _ in range(3)])
    found = projection_losses(logits, classes)
    for block in range(3):
        expected, start = 0.0, 0
        for head, width in enumerate(WIDTHS):
            soft = torch.zeros(width)
            soft[classes[block, head]] = 0.5
            expected += torch.nn.functional.cross_entropy(logits[block, start : start + width][None], soft[None]).item()
            start += width
        assert math.isclose(found[block].item(), expected, rel_tol=1e-5)


def test_the_interleaving_learns_nothing():
    """Both of its classes are always positive: the loss is least where its logits are equal, whatever the block."""
    classes = torch.zeros(1, 6, 2, dtype=torch.long)
    classes[..., 1] = 1
    logits = torch.zeros(1, 32, requires_grad=True)
    batch = Batch(None, classes, None, None, None)
    Strict().block_losses(logits, None, batch).sum().backward()
    assert logits.grad[0, 30:].abs().max() == 0
    assert logits.grad[0, :8].abs().max() > 0


def test_gates_are_those_of_the_source():
    assert hits_any(Strict().gates, {"hit@32": 0.95})
    assert not hits_any(Strict().gates, {"hit@32": 0.9499})
    assert hits_any(TopK().gates, {"hit@16": 0.9, "hit@32": 0.91})
    assert hits_any(TopK().gates, {"hit@16": 0.8, "hit@32": 0.95})
    assert not hits_any(TopK().gates, {"hit@16": 0.89, "hit@32": 0.94})
    assert hits_any((), {})


def test_strict_returns_32_tuples_and_topk_what_is_asked_for():
    assert (Strict().returned, TopK(k=8).returned) == (32, 8)
