"""The definitions as a whole are proved in tests/board/annotation/test_definitions.py; here what stands by itself."""

import numpy as np
import pytest

from railyard.board.packs import judging
from railyard.board.packs.judging import best_move, entropies, loss_of, top_move

EVS = np.array([0.5, 0.0, 0.9, 0.25], np.float32)


def test_top_and_best_moves():
    p1 = np.array([0.2, 0.5, 0.5, 0.1], np.float32)
    assert [top_move(p1, legal) for legal in (15, 13, 9, 0)] == [1, 2, 0, 255]
    assert best_move(EVS, 15, 255, True) == (2, False)
    assert best_move(EVS, 11, 1, True) == (0, False)
    assert best_move(EVS, 15, 1, False) == (1, True)
    assert best_move(EVS, 0, 1, False) == (255, False)


def test_losses():
    assert loss_of(EVS, 15, 3, 2, False) == pytest.approx(650)
    assert loss_of(EVS, 15, 1, 1, True) == 0
    unknown = [loss_of(EVS, 15, 3, 1, True), loss_of(EVS, 7, 3, 2, False), loss_of(EVS, 15, 255, 2, False)]
    assert np.isnan(unknown).all()


@pytest.mark.parametrize("bins", [1, 2, 7])
def test_entropies_block_by_block(monkeypatch, bins):
    monkeypatch.setattr(judging, "BLOCK", 3)
    probabilities = np.random.default_rng(0).dirichlet(np.ones(bins if bins > 1 else 4), (10, 4)).astype(np.float32)
    probabilities = probabilities if bins > 1 else probabilities[:, 0, :, None]
    probabilities[0] = 0
    probabilities[0, :, -1] = 1
    with np.errstate(divide="ignore", invalid="ignore"):
        terms = np.nan_to_num(-probabilities.astype(np.float64) * np.log(probabilities.astype(np.float64)))
    expected = terms.sum(axis=(1, 2)) / (1 if bins == 1 else 4)
    np.testing.assert_allclose(entropies(probabilities), expected, rtol=1e-5, atol=1e-6)
    np.testing.assert_array_equal(entropies(probabilities.astype(np.float16))[0], 0)
