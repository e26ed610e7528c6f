"""What 32 sequences cost, side by side: four starts in an array of magnitudes, eight scans each.

Magnitudes are int16 [steps, 8] from each start on. A sequence takes its values from `planes` planes in turn:
`starts` [4 * planes] holds the four starts of the first plane, then those of the second, … Costs are those of
`golomb.py`, to the bit: no magnitude of a block exceeds 1274, so means, products' upper halves and sums of
bits all stay within 16 bits.
"""

from typing import Any

import numpy as np

from railyard.core.arrays import I16, I64, Int
from railyard.core.compiled import inner, njit

# isort: split
from railyard.tlg8.codec.golomb import ESCAPE, FALL, K_CLASSES, RISE, K
from railyard.tlg8.codec.lanes import any_of, blend, count_reached, floor_log2, high_product, load_groups, splat, store

# the least mean of each k from 1 to 8, before it is rounded
THRESHOLDS = np.array([[16 * int((row < k).sum()) - 8 for k in range(1, K_CLASSES)] for row in K], np.int16)
CHECK_EVERY = 8  # steps between two comparisons with the bound


@inner()
def _load(magnitudes: I16, starts: I64, plane: Int, step: Int) -> Any:
    at = 4 * plane
    return load_groups(
        magnitudes,
        starts[at] + 8 * step,
        starts[at + 1] + 8 * step,
        starts[at + 2] + 8 * step,
        starts[at + 3] + 8 * step,
    )


@inner()
def _value_bits(m: Any, a: Any, row: Int) -> Any:
    """Lengths of the codes of magnitudes after means."""
    k = count_reached(a, THRESHOLDS, row)
    quotient = m >> k
    bits = quotient + k + splat(1)
    escaped = quotient >= splat(ESCAPE)
    if any_of(escaped):
        log = floor_log2(m - splat(ESCAPE - 1))
        bits = blend(escaped, log + log + splat(ESCAPE + 1), bits)
    return bits


@inner()
def _next_mean(a: Any, m: Any, row: Int) -> Any:
    """(16 m w + a (16 - w) + 8) >> 4 without its 32-bit products: m w + ((a (16 - w) >> 3) + 1 >> 1)."""
    rises = a < m
    weight = blend(rises, splat(RISE[row]), splat(FALL[row]))
    keep = blend(rises, splat((16 - RISE[row]) << 12), splat((16 - FALL[row]) << 12))
    return m * weight + ((high_product(a + a, keep) + splat(1)) >> splat(1))


@njit()
def plain_lanes(magnitudes: I16, starts: I64, planes: Int, steps: Int, row: Int, bound: Int, out: I16) -> bool:
    """Bits of 32 sequences, Plain, into `out` [32]; False, and nothing written, if none can cost less than `bound`."""
    a, bits = splat(0), splat(0)
    for step in range(steps):
        for plane in range(planes):
            m = _load(magnitudes, starts, plane, step)
            bits = bits + _value_bits(m, a, row)
            a = _next_mean(a, m, row)
        # each value still to come costs a bit at least
        if step % CHECK_EVERY == 0 and not any_of(bits < splat(bound - planes * (steps - 1 - step))):
            return False
    store(out, 0, bits)
    return True


@inner()
def _run_growth(run: Any) -> Any:
    """How much longer the code of a run gets when it grows to `run`."""
    beyond = run - splat(2)
    doubles = (beyond & (beyond - splat(1))) == splat(0)
    return blend(run < splat(4), splat(1), blend(doubles, splat(2), splat(0)))


@njit()
def run_length_lanes(magnitudes: I16, starts: I64, planes: Int, steps: Int, row: Int, bound: Int, out: I16) -> bool:
    """Bits of 32 sequences, RunLength, into `out` [32]; False, and nothing written, if none can cost less."""
    a, bits, run, one, zero = splat(0), splat(1), splat(0), splat(1), splat(0)
    was_zero = run == one
    for step in range(steps):
        for plane in range(planes):
            m = _load(magnitudes, starts, plane, step)
            is_zero = m == zero
            run = blend(is_zero ^ was_zero, one, run + one)
            was_zero = is_zero
            bits = bits + _run_growth(run)
            m = blend(is_zero, zero, m - one)
            bits = bits + blend(is_zero, zero, _value_bits(m, a, row))
            a = blend(is_zero, a, _next_mean(a, m, row))
        if step % CHECK_EVERY == 0 and not any_of(bits < splat(bound)):
            return False
    store(out, 0, bits)
    return True
