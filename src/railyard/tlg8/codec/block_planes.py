"""The planes of one block while it is searched: residuals, filtered planes, energies, magnitudes in scan order.

One `BlockPlanes` per thread, filled anew for each block. Planes are computed when a search first needs them.
Energies are sums of squares. Predictors that leave the same residuals (flat blocks) share everything:
`twins` names the first of them.
"""

from typing import NamedTuple

import numpy as np

from railyard.core.arrays import I16, I64, U8, Bool, Int
from railyard.core.compiled import inner
from railyard.tlg8.codec.colour_filters import FILTERED_PLANES, PLANES, filter_planes
from railyard.tlg8.codec.contexts import MAX_PLANES
from railyard.tlg8.codec.golomb import magnitude
from railyard.tlg8.codec.predictors import residuals_of
from railyard.tlg8.codec.scans import SCANS
from railyard.tlg8.codec.tuples import PREDICTORS

PIXELS, LANES = 64, 8
PLANE_SIZE = PIXELS * LANES  # int16 that the magnitudes of one plane take


class BlockPlanes(NamedTuple):
    """size: components, width, height, pixels. magnitudes: flat [8, 25, 64 steps, 8 scans]; see `plane_start`."""

    size: I64
    residuals: I16
    energies: I64
    twins: I64
    filtered: I16
    filtered_energies: I64
    has_filtered: Bool
    magnitudes: I16
    has_magnitudes: Bool


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
def energy_of(values: I16) -> Int:
    """Sum of squares of a block's values: at most 64 * 637^2, which 32 bits hold."""
    total = np.int32(0)
    for value in values:
        total += np.int32(value) * np.int32(value)
    return total


@inner()
def load_block(planes: BlockPlanes, context: U8, components: Int, width: Int, height: Int) -> None:
    """Loads a block: its context uint8 [4, 9, 10], 3 or 4 planes, 1 to 8 pixels each way."""
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
def _twin(planes: BlockPlanes, predictor: Int) -> Int:
    components, pixels = planes.size[0], planes.size[3]
    for other in range(predictor):
        same_energy = planes.energies[other] == planes.energies[predictor]
        if same_energy and _equal(planes.residuals[other], planes.residuals[predictor], components, pixels):
            return other
    return predictor


@inner()
def _equal(a: I16, b: I16, components: Int, pixels: Int) -> bool:
    for plane in range(components):
        for index in range(pixels):
            if a[plane, index] != b[plane, index]:
                return False
    return True


@inner()
def ensure_filtered(planes: BlockPlanes, predictor: Int) -> None:
    """Computes the filtered planes of a predictor (its own twin) and their energies, once."""
    if planes.has_filtered[predictor]:
        return
    planes.has_filtered[predictor] = True
    components, pixels = planes.size[0], planes.size[3]
    filter_planes(planes.residuals[predictor], components, pixels, planes.filtered[predictor])
    for plane in range(FILTERED_PLANES):
        planes.filtered_energies[predictor, plane] = energy_of(planes.filtered[predictor, plane, :pixels])


@inner()
def filtered_energy(planes: BlockPlanes, predictor: Int, colour_filter: Int) -> Int:
    """Energy of a pair over all its planes."""
    twin = planes.twins[predictor]
    ensure_filtered(planes, twin)
    energy = 0
    for plane in range(planes.size[0]):
        energy += planes.filtered_energies[twin, PLANES[colour_filter, plane]]
    return energy


@inner()
def plane_start(predictor: Int, plane: Int) -> Int:
    """Where the magnitudes of a filtered plane begin."""
    return (predictor * FILTERED_PLANES + plane) * PLANE_SIZE


@inner()
def ensure_magnitudes(planes: BlockPlanes, predictor: Int, plane: Int) -> Int:
    """Puts a filtered plane of a predictor (its own twin) into the order of all scans, once; where it begins."""
    start = plane_start(predictor, plane)
    if planes.has_magnitudes[predictor, plane]:
        return start
    planes.has_magnitudes[predictor, plane] = True
    ensure_filtered(planes, predictor)
    pixels = planes.size[3]
    values = planes.filtered[predictor, plane]
    whole = planes.size[1] == LANES and planes.size[2] == LANES
    for step in range(pixels):
        for scan in range(LANES):
            index = np.int64(SCANS[scan, step]) if whole else step
            planes.magnitudes[start + step * LANES + scan] = magnitude(np.int64(values[index]))
    return start
