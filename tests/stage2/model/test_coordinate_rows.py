import torch

from railyard.stage2.model.coordinate_rows import smooth_rows


def test_neighbours_are_alike_and_far_ones_are_not():
    torch.manual_seed(0)
    rows = smooth_rows(64, 0.02)
    assert rows.shape == (1000, 64)
    assert 0.03 < rows.std() < 0.05
    alike = torch.nn.functional.cosine_similarity(rows[:-1], rows[1:])
    assert alike.min() > 0.95
    far = torch.nn.functional.cosine_similarity(rows[:500], rows[500:])
    assert far.mean() < 0.3
    assert len(torch.unique(rows, dim=0)) == 1000


def test_the_directions_follow_from_the_seed():
    def seeded(seed: int) -> torch.Tensor:
        torch.manual_seed(seed)
        return smooth_rows(32, 0.02)

    assert torch.equal(seeded(1), seeded(1))
    assert not torch.equal(seeded(1), seeded(2))
