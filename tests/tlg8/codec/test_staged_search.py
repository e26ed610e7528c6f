import numpy as np
import pytest
from tlg8 import blocks, sizes

from railyard.tlg8.codec.pair_tables import tables_of
from railyard.tlg8.codec.selectors import Exhaustive, Staged


def by_hand(table, energies, n, m, interleaved):
    """(bits, rank) of best and second of the tuples that the stages evaluate, and how many those are."""
    bits = table.astype(int).reshape(8, 96, 16)
    seen = np.zeros(bits.shape, bool)
    first = [0, 1] if interleaved else [0]
    for predictor in np.argsort(energies, kind="stable")[:n]:
        seen[predictor, :, first] = True
    keys = bits * 12288 + np.arange(12288).reshape(bits.shape)
    probes = np.where(seen, keys, keys.max() + 1).min(axis=2).ravel()
    for pair in np.argsort(probes)[:m]:
        seen[pair // 96, pair % 96] = True
    two = np.sort(keys[seen])[:2]
    return (two // 12288).tolist(), (two % 12288).tolist(), int(seen.sum())


@pytest.mark.parametrize(
    ("n", "m", "interleaved", "evaluations"),
    [(2, 4, False, 252), (3, 8, True, 688), (1, 1, False, 111), (8, 96, True, 2880)],
)
@pytest.mark.parametrize("components", [3, 4])
def test_the_stages_by_hand(n, m, interleaved, evaluations, components):
    columns = blocks()
    contexts = columns["context"][columns["components"] == components][:12]
    tables, energies, _, _ = tables_of(contexts, sizes(12), components, False, 0)
    found = Staged(entropy="plain", n=n, m=m, interleaved=interleaved).find(contexts, sizes(12), components)
    for block in range(12):
        expected = by_hand(tables[block], energies[block], n, m, interleaved)
        says = found.bits_N2[block].tolist(), found.ranks_N2[block].tolist(), int(found.evaluations_N[block])
        assert says == expected
        assert expected[2] == evaluations


def test_entropy_after_the_search_never_costs_more_than_plain():
    columns = blocks()
    contexts = columns["context"][columns["components"] == 4]
    plain, after, both = (
        Staged(entropy=entropy).find(contexts, sizes(len(contexts)), 4) for entropy in ("plain", "after", "auto")
    )
    np.testing.assert_array_equal(after.ranks_N2, plain.ranks_N2)
    assert (after.bits_N2 <= plain.bits_N2).all()
    assert (after.entropies_N2[:, 0] == 1).any()
    assert (Exhaustive().find(contexts, sizes(len(contexts)), 4).bits_N2[:, 0] <= both.bits_N2[:, 0]).all()
    assert (both.evaluations_N == 504).all()
