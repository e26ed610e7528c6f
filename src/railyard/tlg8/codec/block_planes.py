"""The planes of one block while it is searched: residuals, filtered planes, energies, magnitudes in scan order.

One `BlockPlanes` per thread, filled anew for each block. What a search does not ask for is not computed.
Energies are sums of squares. Predictors that leave the same residuals (flat blocks) share everything:
`twins` names the first of them.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.core.compiled import inner
from railyard.tlg8.codec.colour_filters import FILTERED_PLANES, PLANES, filter_planes
from railyard.tlg8.codec.contexts import MAX_PLANES
from railyard.tlg8.codec.golomb import magnitude
from railyard.tlg8.codec.predictors import residuals_of
from railyard.tlg8.codec.scans import SCANS
from railyard.tlg8.codec.tuples import PREDICTORS, Whole

PIXELS, LANES = 64, 8
PLANE_SIZE = PIXELS * LANES  # int16 that the magnitudes of one plane take


class BlockPlanes(NamedTuple):
    """size: components, width, height, pixels. magnitudes: flat [8, 25, 64 steps, 8 scans], as `plane_start` says."""

    size: NDArray[np.int64]
    residuals: NDArray[np.int16]
    energies: NDArray[np.int64]
    twins: NDArray[np.int64]
    filtered: NDArray[np.int16]
    filtered_energies: NDArray[np.int64]
    has_filtered: NDArray[np.bool_]
    magnitudes: NDArray[np.int16]
    has_magnitudes: NDArray[np.bool_]


def block_planes() -> BlockPlanes:
    """Room for one block."""
    return BlockPlanes(
        np.zeros(4, np.int64),
        np.zeros((PREDICTORS, MAX_PLANES, PIXELS), np.int16),
        np.zeros(PREDICTORS, np.int64),
        np.zeros(PREDICTORS, np.int64),
        np.zeros((PREDICTORS, FILTERED_PLANES, PIXELS), np.int16),
        np.zeros((PREDICTORS, FILTERED_PLANES), np.int64),
        np.zeros(PREDICTORS, np.bool_),
        np.zeros(PREDICTORS * FILTERED_PLANES * PLANE_SIZE, np.int16),
        np.zeros((PREDICTORS, FILTERED_PLANES), np.bool_),
    )


@inner()
def energy_of(values: NDArray[np.int16]) -> Whole:
    """Sum of squares of a block's values: at most 64 * 637^2, which 32 bits hold."""
    total = np.int32(0)
    for value in values:
        total += np.int32(value) * np.int32(value)
    return total


@inner()
def enter(planes: BlockPlanes, context: NDArray[np.uint8], components: Whole, width: Whole, height: Whole) -> None:
    """Takes up a block: its context uint8 [4, 9, 10], 3 or 4 planes, 1 to 8 pixels each way."""
    pixels = width * height
    planes.size[0], planes.size[1], planes.size[2], planes.size[3] = components, width, height, pixels
    planes.has_filtered[:] = False
    planes.has_magnitudes[:] = False
    residuals_of(context, width, height, components, planes.residuals)
    for predictor in range(PREDICTORS):
        energy = 0
        for plane in range(components):
            energy += energy_of(planes.residuals[predictor, plane, :pixels])
        planes.energies[predictor] = energy
        planes.twins[predictor] = _twin(planes, predictor)


@inner()
def _twin(planes: BlockPlanes, predictor: Whole) -> Whole:
    components, pixels = planes.size[0], planes.size[3]
    for other in range(predictor):
        same_energy = planes.energies[other] == planes.energies[predictor]
        if same_energy and _equal(planes.residuals[other], planes.residuals[predictor], components, pixels):
            return other
    return predictor


@inner()
def _equal(a: NDArray[np.int16], b: NDArray[np.int16], components: Whole, pixels: Whole) -> bool:
    for plane in range(components):
        for place in range(pixels):
            if a[plane, place] != b[plane, place]:
                return False
    return True


@inner()
def need_filtered(planes: BlockPlanes, predictor: Whole) -> None:
    """Computes the filtered planes of a predictor (its own twin) and their energies, once."""
    if planes.has_filtered[predictor]:
        return
    planes.has_filtered[predictor] = True
    components, pixels = planes.size[0], planes.size[3]
    filter_planes(planes.residuals[predictor], components, pixels, planes.filtered[predictor])
    for plane in range(FILTERED_PLANES):
        planes.filtered_energies[predictor, plane] = energy_of(planes.filtered[predictor, plane, :pixels])


@inner()
def filtered_energy(planes: BlockPlanes, predictor: Whole, colour_filter: Whole) -> Whole:
    """Energy of a pair over all its planes."""
    twin = planes.twins[predictor]
    need_filtered(planes, twin)
    energy = 0
    for plane in range(planes.size[0]):
        energy += planes.filtered_energies[twin, PLANES[colour_filter, plane]]
    return energy


@inner()
def plane_start(predictor: Whole, plane: Whole) -> Whole:
    """Where the magnitudes of a filtered plane begin."""
    return (predictor * FILTERED_PLANES + plane) * PLANE_SIZE


@inner()
def need_magnitudes(planes: BlockPlanes, predictor: Whole, plane: Whole) -> Whole:
    """Puts a filtered plane of a predictor (its own twin) into the order of all scans, once; where it begins."""
    start = plane_start(predictor, plane)
    if planes.has_magnitudes[predictor, plane]:
        return start
    planes.has_magnitudes[predictor, plane] = True
    need_filtered(planes, predictor)
    pixels = planes.size[3]
    values = planes.filtered[predictor, plane]
    whole = planes.size[1] == LANES and planes.size[2] == LANES
    for step in range(pixels):
        for scan in range(LANES):
            place = np.int64(SCANS[scan, step]) if whole else step
            planes.magnitudes[start + step * LANES + scan] = magnitude(np.int64(values[place]))
    return start
