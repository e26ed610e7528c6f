"""The eight predictors of a pixel from its neighbours, and the residuals.

Neighbours are a = left, b = above, c = above left, d = above right. residual = pixel - prediction, -255 to
255, without wrapping.
"""

import numpy as np

from railyard.core.arrays import I16, U8, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.codec.tuples import PREDICTORS

MED, LEFT_AND_CORNER, TOP_AND_CORNER, TOP_AND_RIGHT, LEFT, TOP, CORNER, RIGHT = range(PREDICTORS)


@inner()
def median_edge(a: Int, b: Int, c: Int) -> Int:
    """The predictor of JPEG-LS: the median of a, b and a + b - c."""
    low, high = min(a, b), max(a, b)
    return max(low, min(high, a + b - c))


@njit()
def predict(predictor: Int, a: Int, b: Int, c: Int, d: Int) -> Int:
    """Prediction 0..255 of a pixel by one predictor."""
    if predictor == MED:
        return median_edge(a, b, c)
    if predictor == LEFT_AND_CORNER:
        return (a + c + 1) >> 1
    if predictor == TOP_AND_CORNER:
        return (b + c + 1) >> 1
    if predictor == TOP_AND_RIGHT:
        return (b + d + 1) >> 1
    if predictor == LEFT:
        return a
    if predictor == TOP:
        return b
    return c if predictor == CORNER else d


@njit()
def residuals_of(context: U8, width: Int, height: Int, components: Int, out: I16) -> None:
    """Residuals of a block by all predictors into `out`, int16 [8, 4, 64]; the first width * height of each."""
    for plane in range(components):
        for y in range(height):
            for x in range(width):
                index = y * width + x
                pixel = np.int32(context[plane, y + 1, x + 1])
                a, b = np.int32(context[plane, y + 1, x]), np.int32(context[plane, y, x + 1])
                c, d = np.int32(context[plane, y, x]), np.int32(context[plane, y, x + 2])
                out[MED, plane, index] = pixel - median_edge(a, b, c)
                out[LEFT_AND_CORNER, plane, index] = pixel - ((a + c + 1) >> 1)
                out[TOP_AND_CORNER, plane, index] = pixel - ((b + c + 1) >> 1)
                out[TOP_AND_RIGHT, plane, index] = pixel - ((b + d + 1) >> 1)
                out[LEFT, plane, index] = pixel - a
                out[TOP, plane, index] = pixel - b
                out[CORNER, plane, index] = pixel - c
                out[RIGHT, plane, index] = pixel - d
