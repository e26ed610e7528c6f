import numpy as np
import pytest

from railyard.tlg8.codec.tuples import TUPLES, fields_of
from railyard.tlg8.training.sampling import Near, Uniform

RANKS = np.array([[5, 7], [100, 12000], [12287, 0]])


@pytest.mark.parametrize("kind", [Uniform, Near])
def test_draws_follow_from_seed_position_and_place_alone(kind):
    positions = np.array([3, 900_000, 12])
    drawn = kind(count=40, seed=1).draw(positions, RANKS)
    assert drawn.shape == (3, 40)
    assert 0 <= drawn.min() <= drawn.max() < TUPLES
    alone = kind(count=40, seed=1).draw(positions[1:2], RANKS[1:2])
    assert np.array_equal(drawn[1:2], alone)
    assert not np.array_equal(drawn, kind(count=40, seed=2).draw(positions, RANKS))
    assert not np.array_equal(drawn, kind(count=40, seed=1).draw(positions + 3, RANKS))


def test_uniform_draws_reach_all_tuples_alike():
    drawn = Uniform(count=1024).draw(np.arange(400), np.zeros((400, 2), np.int64))
    counts = np.bincount(drawn.ravel(), minlength=TUPLES)
    assert counts.min() > 0
    assert abs(counts.var() / counts.mean() - 1) < 0.1  # as of a Poisson distribution


def test_near_draws_differ_from_a_positive_in_one_field():
    drawn = Near(count=60).draw(np.arange(3), RANKS)
    for place in range(60):
        differs = fields_of(drawn[:, place]) != fields_of(RANKS[:, place % 2])
        assert differs.sum(axis=0).tolist() == [1, 1, 1]
    fields = fields_of(drawn.ravel()).reshape(4, 3, 60) != fields_of(RANKS[:, np.arange(60) % 2].ravel()).reshape(
        4, 3, 60
    )
    assert fields.any(axis=(1, 2)).all()


def test_the_manifest_repeats_the_draws():
    sampling = Near(count=8, seed=5)
    manifest = sampling.manifest(RANKS)
    assert {**manifest, "sha256_of_first_draws": ""} == {
        "strategy": "near",
        "universe": Near.universe,
        "seed": 5,
        "samples_a_block": 8,
        "first_blocks": 3,
        "sha256_of_first_draws": "",
    }
    assert manifest == sampling.manifest(RANKS)
    assert manifest["sha256_of_first_draws"] != Near(count=8, seed=6).manifest(RANKS)["sha256_of_first_draws"]
