"""What is computed of a block's own 64 pixels, without alpha: means, lowest frequencies, spread, steps.

The same numbers from a context and from a line, since both hold the pixels. Sums of whole numbers are exact, and the
rest is added up in a fixed order.
"""

import numpy as np

from railyard.core.arrays import F64, U8, Int
from railyard.core.compiled import inner
from railyard.tlg8.codec.blocks import SIDE

CHANNELS, QUARTER = 3, 4
# cos(k * pi / 16), written out: the last digit of a library's cosine is its own affair
COSINES = np.array(
    [
        1.0,
        0.9807852804032304,
        0.9238795325112867,
        0.8314696123025452,
        0.7071067811865476,
        0.5555702330196022,
        0.38268343236508984,
        0.19509032201612828,
        0.0,
    ]
)
FREQUENCIES = np.array([(0, 1), (1, 0), (1, 1), (0, 2), (2, 0), (2, 2)])  # down, right


def _waves() -> F64:
    """cos((2x + 1) k pi / 16) of k = 0..2 and x = 0..7, from COSINES."""
    waves = np.empty((3, SIDE))
    for k in range(3):
        for x in range(SIDE):
            turn = (2 * x + 1) * k % 32
            turn = min(turn, 32 - turn)
            waves[k, x] = COSINES[turn] if turn <= 8 else -COSINES[16 - turn]
    return waves


WAVES = _waves()


@inner()
def pixel_values(block: U8, out: F64) -> None:
    """Writes the 44 values of a block, uint8 [3, 8, 8], to `out` in the order of `catalogue.PIXEL_VALUES`."""
    for channel in range(CHANNELS):
        plane = block[channel]
        for quarter in range(4):
            out[channel * 4 + quarter] = _quarter_mean(plane, quarter // 2 * QUARTER, quarter % 2 * QUARTER)
        for number in range(len(FREQUENCIES)):
            out[12 + channel * 6 + number] = _frequency(plane, FREQUENCIES[number, 0], FREQUENCIES[number, 1])
        _spread(plane, channel, out[30:])
    out[42] = _difference(block[0], block[1])
    out[43] = _difference(block[1], block[2])


@inner()
def _quarter_mean(plane: U8, top: Int, left: Int) -> float:
    total = np.int64(0)
    for y in range(top, top + QUARTER):
        for x in range(left, left + QUARTER):
            total += np.int64(plane[y, x])
    return total / 16.0


@inner()
def _frequency(plane: U8, down: Int, right: Int) -> float:
    """A coefficient of the cosine transform, scaled as its orthonormal form is but for the constant waves."""
    total = 0.0
    for y in range(SIDE):
        row = 0.0
        for x in range(SIDE):
            row += WAVES[right, x] * np.int64(plane[y, x])
        total += WAVES[down, y] * row
    return total / 4.0


@inner()
def _spread(plane: U8, channel: Int, out: F64) -> None:
    """Deviation, range, and mean absolute steps to the right and down, 3 apart."""
    total = squares = high = right = down = np.int64(0)
    low = np.int64(255)
    for y in range(SIDE):
        for x in range(SIDE):
            value = np.int64(plane[y, x])
            total += value
            squares += value * value
            low, high = np.minimum(low, value), np.maximum(high, value)
            if x + 1 < SIDE:
                right += abs(np.int64(plane[y, x + 1]) - value)
            if y + 1 < SIDE:
                down += abs(np.int64(plane[y + 1, x]) - value)
    out[channel] = np.sqrt(float(64 * squares - total * total)) / 64.0
    out[3 + channel] = float(high - low)
    out[6 + channel] = right / 56.0
    out[9 + channel] = down / 56.0


@inner()
def _difference(a: U8, b: U8) -> float:
    total = np.int64(0)
    for y in range(SIDE):
        for x in range(SIDE):
            total += abs(np.int64(a[y, x]) - np.int64(b[y, x]))
    return total / 64.0
