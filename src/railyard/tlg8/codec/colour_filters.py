"""The 96 colour filters: three planes of residuals in another order, the later ones less a part of the earlier.

filter = permutation * 16 + primary * 4 + secondary. With d0, d1, d2 the planes in the permutation's order, the
filter writes d0, d1 - p1(d0) and d2 - p2(d0, d1). With four planes it works on A, R and G and leaves B alone,
as the codec does. Halves truncate toward zero.

The filters write only 24 different planes (a raw one, or one less a half, the whole or three halves of
another, or less half the sum of the other two), 25 with the plane left alone. Which row of the Golomb table
codes a plane depends on its position, which makes 37 coded planes of the 3 * 96: `FILTERED` of a coded plane,
`CODED` of a filter and position. The search computes each once.
"""

import numpy as np

from railyard.core.arrays import I16, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.tuples import FILTERS

ORDERS = np.array([(0, 1, 2), (0, 2, 1), (1, 0, 2), (1, 2, 0), (2, 0, 1), (2, 1, 0)])
NONE, WHOLE, HALF, THREE_HALVES = range(4)  # of d0, as primary
FIRST, SECOND, MEAN = 1, 2, 3  # as secondary: d0, d1, half their sum

# filtered planes: RAW + target, LESS_… + number of (source, target), LESS_MEAN + target, UNTOUCHED
SOURCES = ((0, 1), (0, 2), (1, 0), (1, 2), (2, 0), (2, 1))
RAW, LESS_WHOLE, LESS_HALF, LESS_THREE_HALVES, LESS_MEAN, UNTOUCHED = 0, 3, 9, 15, 21, 24
FILTERED_PLANES = 25


@njit()
def half(value: Int) -> Int:
    """value / 2, truncated toward zero."""
    return (value + (value < 0)) >> 1


@inner()
def primary_part(primary: Int, d0: Int) -> Int:
    """What the second plane loses."""
    if primary == NONE:
        return 0
    if primary == WHOLE:
        return d0
    return half(d0) if primary == HALF else half(3 * d0)


@inner()
def secondary_part(secondary: Int, d0: Int, d1: Int) -> Int:
    """What the third plane loses; d1 is the second plane before its own loss."""
    if secondary == NONE:
        return 0
    if secondary == FIRST:
        return d0
    return d1 if secondary == SECOND else half(d0 + d1)


def _filtered_planes(colour_filter: int) -> tuple[int, int, int]:
    """The filtered planes that a filter writes."""
    s0, s1, s2 = (int(plane) for plane in ORDERS[colour_filter >> 4])
    primary, secondary = colour_filter >> 2 & 3, colour_filter & 3
    first_less = {NONE: RAW + s1}
    for kind, start in ((WHOLE, LESS_WHOLE), (HALF, LESS_HALF), (THREE_HALVES, LESS_THREE_HALVES)):
        first_less[kind] = start + SOURCES.index((s0, s1))
    second_less = {
        NONE: RAW + s2,
        FIRST: LESS_WHOLE + SOURCES.index((s0, s2)),
        SECOND: LESS_WHOLE + SOURCES.index((s1, s2)),
        MEAN: LESS_MEAN + s2,
    }
    return RAW + s0, first_less[primary], second_less[secondary]


_WRITTEN = [_filtered_planes(colour_filter) for colour_filter in range(FILTERS)]
# the different planes at each position; the plane left alone is coded as position 0 is
_AT = [sorted({planes[position] for planes in _WRITTEN}) for position in range(3)]
_AT[0].append(UNTOUCHED)
POSITION_STARTS = np.cumsum([0, *(len(planes) for planes in _AT)])
CODED_PLANES = int(POSITION_STARTS[-1])
FILTERED = np.array([plane for planes in _AT for plane in planes])
CODED = np.array(
    [
        [POSITION_STARTS[position] + _AT[position].index(plane) for position, plane in enumerate(planes)]
        + [_AT[0].index(UNTOUCHED)]
        for planes in _WRITTEN
    ]
)
PLANES = FILTERED[CODED]  # the filtered planes of a filter, [96, 4]


@njit()
def filter_planes(residuals: I16, components: Int, count: Int, out: I16) -> None:
    """All filtered planes of residuals int16 [4, 64] into `out`, int16 [25, 64]; the first `count` of each."""
    for target in range(3):
        a, b = residuals[(target + 1) % 3], residuals[(target + 2) % 3]
        for i in range(count):
            out[RAW + target, i] = residuals[target, i]
            out[LESS_MEAN + target, i] = residuals[target, i] - half(np.int32(a[i]) + np.int32(b[i]))
    for number, (source, target) in enumerate(SOURCES):
        for i in range(count):
            value, other = np.int32(residuals[target, i]), np.int32(residuals[source, i])
            out[LESS_WHOLE + number, i] = value - other
            out[LESS_HALF + number, i] = value - half(other)
            out[LESS_THREE_HALVES + number, i] = value - half(3 * other)
    if components > 3:
        for i in range(count):
            out[UNTOUCHED, i] = residuals[3, i]
