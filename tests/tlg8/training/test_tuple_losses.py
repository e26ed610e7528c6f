import math

import numpy as np
import pytest
import torch

from railyard.tlg8.ranking.heads import JOINT, STRICT, class_table
from railyard.tlg8.training.batch import Batch
from railyard.tlg8.training.projection import projection_losses
from railyard.tlg8.training.sampling import Near, Uniform
from railyard.tlg8.training.tuple_losses import Pairwise, Rerank, SampledSoftmax


def some_batch(count=3):
    generator = torch.Generator().manual_seed(0)
    ranks = torch.randint(0, 12288, (count, 2), generator=generator)
    bits = torch.tensor([[500, 506]] * count)
    classes = torch.zeros(count, 6, 2, dtype=torch.long)
    classes[..., 1] = 1
    return Batch(torch.empty(count, 0), classes, ranks, bits, torch.arange(count) + 70)


def score(logits, heads, rank):
    return float(sum(logits[column] for column in class_table(heads)[rank]))


def softmax_loss(logits, heads, batch, block, sampling, temperature):
    """The definition, one block, without the samples that are positives."""
    positives = batch.ranks[block].tolist()
    drawn = sampling.draw(batch.positions.numpy(), batch.ranks.numpy())[block].tolist()
    listed = [score(logits[block], heads, r) for r in [*positives, *(r for r in drawn if r not in positives)]]
    shares = np.exp(-batch.bits[block].numpy() / temperature + 500 / temperature)
    shares /= shares.sum()
    total = math.log(sum(map(math.exp, listed)))
    return sum(share * (total - own) for share, own in zip(shares, listed, strict=False))


@pytest.mark.parametrize("sampling", [Uniform(count=9), Near(count=9)])
def test_the_sampled_softmax_is_its_definition(sampling):
    torch.manual_seed(1)
    batch, logits = some_batch(), torch.randn(3, 32)
    found = SampledSoftmax(sampling=sampling, temperature=6.0).block_losses(logits, None, batch)
    for block in range(3):
        expected = softmax_loss(logits, STRICT, batch, block, sampling, 6.0)
        assert math.isclose(found[block].item(), expected, rel_tol=1e-4)


def test_a_sample_that_is_a_positive_counts_for_nothing():
    batch, logits = some_batch(1), torch.randn(1, 32)

    class Twice(Near):
        def draw(self, positions, ranks):
            return np.repeat(ranks, 2, axis=1)

    losses = SampledSoftmax(sampling=Twice()).block_losses(logits, None, batch)
    alone = torch.tensor([[score(logits[0], STRICT, r) for r in batch.ranks[0].tolist()]]).log_softmax(dim=1)
    shares = (-batch.bits.float() / 6).softmax(dim=1)
    assert math.isclose(losses.item(), -(alone * shares).sum().item(), rel_tol=1e-4)
    assert Pairwise(sampling=Twice()).block_losses(logits, None, batch).item() == 0


def test_pairwise_is_its_definition():
    torch.manual_seed(2)
    batch, logits, sampling = some_batch(2), torch.randn(2, 32), Uniform(count=5)
    found = Pairwise(sampling=sampling, temperature=6.0).block_losses(logits, None, batch)
    drawn = sampling.draw(batch.positions.numpy(), batch.ranks.numpy())
    shares = (-batch.bits.float() / 6).softmax(dim=1)
    for block in range(2):
        means = [
            np.mean(
                [
                    math.log1p(math.exp(score(logits[block], STRICT, s) - score(logits[block], STRICT, p)))
                    for s in drawn[block].tolist()
                ]
            )
            for p in batch.ranks[block].tolist()
        ]
        assert math.isclose(found[block].item(), float(np.dot(shares[block].numpy(), means)), rel_tol=1e-4)


def test_rerank_trains_both_stages():
    torch.manual_seed(3)
    batch, first, second = some_batch(), torch.randn(3, 32), torch.randn(3, 114)
    objective = Rerank()
    found = objective.block_losses(first, second, batch)
    for block in range(3):
        of_second = softmax_loss(second, JOINT, batch, block, objective.sampling, objective.temperature)
        expected = projection_losses(first, batch.classes)[block].item() + of_second
        assert math.isclose(found[block].item(), expected, rel_tol=1e-4)


@pytest.mark.parametrize("candidates", [512, 1024, 4096])
def test_candidates_of_a_reranker_fit_into_its_beams(candidates):
    objective = Rerank(candidates=candidates, k=16)
    assert math.prod(objective.beams) >= candidates == objective.reranked
    assert objective.returned == 16
