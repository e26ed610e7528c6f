"""Scores of a block from the gated search, beside its choice: the numbers that the artifacts list per block.

Projections are the least bits of each class over all tuples evaluated. Scores are energies, and least bits
under Plain. Names and numbers are those of the reference's data sets, with its marks for what was not
evaluated: the largest uint64 and 1e9. Reductions of whole tables; the compiled part is `pair_tables.py`.
"""

import numpy as np
from numpy.typing import NDArray

from railyard.core.arrays import F64, I64, U8, U16, Bool
from railyard.tlg8.codec.gates import FACTOR, PREDICTOR_ORDER
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.pair_tables import UNEVALUATED, tables_of
from railyard.tlg8.codec.scans import HILBERT

NO_BITS = np.uint64(2**64 - 1)
NO_SCORE = 1e9
_FILTER_AXES = {"perm": 1, "primary": 2, "secondary": 3}  # of [N, permutation, primary, secondary]
_INTERLEAVINGS = ("none", "interleave")


def block_scores(
    contexts_N: U8, sizes_N2: U8, components: int, entropies: tuple[int, ...]
) -> dict[str, NDArray[np.generic]]:
    """Arrays [N, …] by the key of the artifact: `proj_*` uint64, `score_*` float64.

    entropies: the codes that the search may choose, PLAIN (0), RUN_LENGTH (1) or both.
    """
    tables = {}
    for entropy in entropies:
        tables[entropy], energies, filtered, least = tables_of(contexts_N, sizes_N2, components, True, entropy)
    evaluated = np.minimum.reduce([*tables.values()])
    plain = tables.get(PLAIN, np.full_like(evaluated, UNEVALUATED))
    return {**_projections(evaluated), **_energies(energies, filtered, least), **_plain_scores(plain, energies)}


def _projections(evaluated: U16) -> dict[str, NDArray[np.generic]]:
    count, predictors, _, scans, interleavings = evaluated.shape
    table = evaluated.reshape(count, predictors, 6, 4, 4, scans, interleavings)
    # least over the filter's neighbours first: the large table is read three times, not six
    by_filter, by_rest = table.min(axis=(5, 6)), table.min(axis=(2, 3, 4))
    projections = {
        "predictor": by_rest.min(axis=(2, 3)),
        "cf_perm": by_filter.min(axis=(1, 3, 4)),
        "cf_primary": by_filter.min(axis=(1, 2, 4)),
        "cf_secondary": by_filter.min(axis=(1, 2, 3)),
        "reorder": by_rest.min(axis=(1, 3)),
        "interleave": by_rest.min(axis=(1, 2)),
    }
    return {
        f"proj_{name}_bits": np.where(bits == UNEVALUATED, NO_BITS, bits.astype(np.uint64))
        for name, bits in projections.items()
    }


def _energies(energies_N8: I64, filtered: I64, least_N2: F64) -> dict[str, NDArray[np.generic]]:
    passed = _passing_predictors(energies_N8)
    by_filter = np.where(passed[:, :, None], filtered, np.inf).min(axis=1)
    return {
        "score_residual_energy_by_predictor": energies_N8.astype(np.float64),
        "score_filtered_energy_min_by_filter": by_filter,
        **_by_class("score_filtered_energy_min_by_{}", by_filter),
        "score_best_residual_energy": least_N2[:, 0],
        "score_best_filtered_energy": least_N2[:, 1],
    }


def _passing_predictors(energies_N8: I64) -> Bool:
    """Which predictors pass their gate, bool [N, 8]; `gates.passing_pairs` does the same for one block."""
    least, passed = np.full(len(energies_N8), np.inf), np.zeros(energies_N8.shape, bool)
    for predictor in PREDICTOR_ORDER:
        energy = energies_N8[:, predictor]
        passed[:, predictor] = energy <= FACTOR * least
        least = np.where(passed[:, predictor], np.minimum(least, energy), least)
    return passed


def _plain_scores(plain: U16, energies_N8: I64) -> dict[str, NDArray[np.generic]]:
    scores: dict[str, NDArray[np.generic]] = {}
    top_two = np.argsort(energies_N8, axis=1, kind="stable")[:, :2, None]
    for number, name in enumerate(_INTERLEAVINGS):
        table, hilbert = plain[..., number], plain[:, :, :, HILBERT, number]
        of_top_two = np.take_along_axis(hilbert, top_two, axis=1)
        scores |= {
            f"score_bits_plain_{name}_min_by_predictor": _score(table.min(axis=(2, 3))),
            f"score_bits_plain_{name}_min_by_reorder": _score(table.min(axis=(1, 2))),
        }
        for suffix, bits in (("", hilbert), ("_top2pred", of_top_two)):
            by_filter = _score(bits.min(axis=1))
            start = f"score_bits_plain_hilbert_{name}_min_by_"
            scores[f"{start}filter{suffix}"] = by_filter
            scores |= _by_class(f"{start}{{}}{suffix}", by_filter)
    return scores


def _score(bits: U16) -> F64:
    return np.where(bits == UNEVALUATED, NO_SCORE, bits.astype(np.float64))


def _by_class(name: str, by_filter_N96: F64) -> dict[str, NDArray[np.generic]]:
    """The least of a filter's scores over each permutation, primary and secondary."""
    cube = by_filter_N96.reshape(-1, 6, 4, 4)
    axes = {1, 2, 3}
    return {name.format(part): cube.min(axis=tuple(axes - {axis})) for part, axis in _FILTER_AXES.items()}
