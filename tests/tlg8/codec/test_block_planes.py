import numpy as np
import pytest

from railyard.tlg8.codec.block_values import bits_of_tuples
from railyard.tlg8.codec.pair_tables import tables_of
from railyard.tlg8.codec.tuples import TUPLES


@pytest.mark.parametrize("flat", [0, 90])
@pytest.mark.parametrize("components", [3, 4])
def test_predictors_with_equal_residuals_share_costs_that_are_right(flat, components):
    contexts = np.full((1, 4, 9, 10), flat, np.uint8)
    contexts[0, :, 5, 6] += 3
    contexts[0, components:] = 0
    size, ranks = np.array([[8, 8]], np.uint8), np.arange(TUPLES, dtype=np.uint16)[None]
    for entropy in (0, 1):
        table = tables_of(contexts, size, components, False, entropy)[0]
        np.testing.assert_array_equal(
            table.reshape(1, TUPLES), bits_of_tuples(contexts, size, components, ranks, entropy)
        )


def test_energies_are_sums_of_squares_over_all_planes():
    contexts = np.zeros((1, 4, 9, 10), np.uint8)
    contexts[0, 3, 1:, 1:] = 2
    _, energies, filtered, _ = tables_of(contexts, np.array([[4, 2]], np.uint8), 4, True, 0)
    # left: the first column differs; above: the first row; corner: both; right: the first row
    assert energies[0, 4:].tolist() == [2 * 4, 4 * 4, 5 * 4, 4 * 4]
    assert (filtered[0] == energies[0][:, None]).all()
