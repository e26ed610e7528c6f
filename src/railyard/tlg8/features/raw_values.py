"""The raw values of blocks from their contexts, compiled, and from the search where a key needs that.

Every number is what a line of `training.all.jsonl` says of the block, to the last digit: energies are whole numbers,
total variations have six decimals, as they are printed. Blocks are 8x8. N blocks, R raw values.
"""

from typing import Any

import numpy as np

from railyard.core.arrays import F32, F64, I64, U8, Bool, Int
from railyard.core.compiled import inner, njit
from railyard.tlg8.artifacts.pixel_keys import LUMA, PER_STEP
from railyard.tlg8.codec.block_planes import BlockPlanes, ensure_filtered, filtered_energy, load_block
from railyard.tlg8.codec.block_scores import NO_SCORE, block_scores
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.colour_filters import FILTERED_PLANES
from railyard.tlg8.codec.gates import FACTOR, PREDICTOR_ORDER, passing_pairs
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.pair_search import make_planes
from railyard.tlg8.codec.scans import SCANS
from railyard.tlg8.codec.tuples import FILTERS, PAIRS, PREDICTORS
from railyard.tlg8.features.catalogue import KEYS, RAW
from railyard.tlg8.features.pixel_values import CHANNELS, pixel_values

DECIMALS = 1e6  # of a printed total variation
_ENERGY = KEYS["score_residual_energy_by_predictor"].start
_BY_FILTER = KEYS["score_filtered_energy_min_by_filter"].start
_BY_PERM = KEYS["score_filtered_energy_min_by_perm"].start
_BY_PRIMARY = KEYS["score_filtered_energy_min_by_primary"].start
_BY_SECONDARY = KEYS["score_filtered_energy_min_by_secondary"].start
_BEST = KEYS["score_best_residual_energy"].start
_TOP, _LEFT, _CORNER = (KEYS[name].start for name in ("pixels_top_rgb", "pixels_left_rgb", "pixel_topleft_rgb"))
_VARIATION = KEYS["reorder_tv_mean"].start
_PIXEL = KEYS["pixel_means_4x4"].start
_L1, _PLANE_ENERGY = KEYS["plane_l1"].start, KEYS["plane_energy"].start
_GROUPS = {  # what is computed together
    "gates": ("score_filtered_energy", "score_best_"),
    "neighbours": ("pixels_top_rgb", "pixels_left_rgb", "pixel_topleft_rgb"),
    "variation": ("reorder_tv",),
    "pixels": ("pixel_",),
    "planes": ("plane_",),
}


def raw_values(contexts_N: U8, components_N: U8, keys: list[str]) -> F64:
    """Raw values [N, R] of whole blocks: those of `keys`, NaN where not evaluated; others may be anything.

    contexts: uint8 [N, 4, 9, 10]; components: 3 or 4 each. Keys whose price is a probe or the answer search the block,
    at about a millisecond each.
    """
    raw = np.full((len(contexts_N), RAW), np.nan)
    wanted = np.array([any(key.startswith(starts) for key in keys) for starts in _GROUPS.values()])
    contexts_N = np.require(contexts_N, np.uint8, ["C", "W"])
    _fill(contexts_N, np.require(components_N, np.uint8, ["C", "W"]), wanted, raw)
    searched = [key for key in keys if not KEYS[key].in_contexts]
    if searched:
        _fill_searched(contexts_N, components_N, searched, raw)
    return raw


def fill_pixel_values(pixels_N192: U8, raw_NR: F64) -> None:
    """Writes what is computed from pixels alone, uint8 [N, 192], into raw values."""
    _fill_pixels(np.ascontiguousarray(pixels_N192), raw_NR)


@njit()
def _fill_pixels(pixels_N192: U8, raw_NR: F64) -> None:
    planes = np.empty((CHANNELS, SIDE, SIDE), np.uint8)
    for block in range(len(pixels_N192)):
        for place in range(SIDE * SIDE):
            for channel in range(CHANNELS):
                planes[channel, place // SIDE, place % SIDE] = pixels_N192[block, place * CHANNELS + channel]
        pixel_values(planes, raw_NR[block, _PIXEL:])


def _fill_searched(contexts_N: U8, components_N: U8, keys: list[str], raw_NR: F64) -> None:
    for components in np.unique(components_N).tolist():
        rows = np.flatnonzero(components_N == components)
        sizes = np.full((len(rows), 2), SIDE, np.uint8)
        scores = block_scores(contexts_N[rows], sizes, components, (PLAIN,))
        for name in keys:
            key, values = KEYS[name], scores[name].reshape(len(rows), -1).astype(np.float64)
            raw_NR[rows, key.start : key.start + key.length] = np.where(values >= NO_SCORE, np.nan, values)


@njit()
def _fill(contexts_N: U8, components_N: U8, wanted: Bool, raw_NR: F64) -> None:
    planes, pairs, least = make_planes(), np.arange(PAIRS), np.empty(2)
    gates, neighbours, variation, pixels, filtered = wanted
    for block in range(len(contexts_N)):
        context, components, raw = contexts_N[block], np.int64(components_N[block]), raw_NR[block]
        load_block(planes, context, components, SIDE, SIDE)
        for predictor in range(PREDICTORS):
            raw[_ENERGY + predictor] = planes.energies[predictor]
        rgb = context[components - CHANNELS : components]
        if gates:
            passing_pairs(planes, pairs, least)
            raw[_BEST], raw[_BEST + 1] = least[0], least[1]
            _filter_energies(planes, raw)
        if neighbours:
            _neighbours(rgb, raw)
        if variation:
            _total_variations(rgb, raw[_VARIATION:])
        if pixels:
            pixel_values(rgb[:, 1:, 1 : SIDE + 1], raw[_PIXEL:])
        if filtered:
            _plane_values(planes, raw)


@inner()
def _filter_energies(planes: BlockPlanes, raw: F64) -> None:
    """The least energy of each filter over the predictors that pass their gate, and over permutations and parts."""
    raw[_BY_FILTER : _BY_FILTER + FILTERS] = np.inf
    least = np.inf
    for predictor in PREDICTOR_ORDER:
        energy = float(planes.energies[predictor])
        if energy > FACTOR * least:
            continue
        least = min(least, energy)
        for colour_filter in range(FILTERS):
            place = _BY_FILTER + colour_filter
            raw[place] = min(raw[place], float(filtered_energy(planes, predictor, colour_filter)))
    raw[_BY_PERM : _BY_PERM + 6] = np.inf
    raw[_BY_PRIMARY : _BY_PRIMARY + 4] = np.inf
    raw[_BY_SECONDARY : _BY_SECONDARY + 4] = np.inf
    for colour_filter in range(FILTERS):
        energy = raw[_BY_FILTER + colour_filter]
        for place in (
            _BY_PERM + (colour_filter >> 4),
            _BY_PRIMARY + (colour_filter >> 2 & 3),
            _BY_SECONDARY + (colour_filter & 3),
        ):
            raw[place] = min(raw[place], energy)


@inner()
def _neighbours(rgb: U8, raw: F64) -> None:
    for channel in range(CHANNELS):
        for place in range(SIDE):
            raw[_TOP + place * CHANNELS + channel] = rgb[channel, 0, place + 1]
            raw[_LEFT + place * CHANNELS + channel] = rgb[channel, place + 1, 0]
        raw[_CORNER + channel] = rgb[channel, 0, 0]


@inner()
def _total_variations(rgb: U8, out: F64) -> None:
    """Mean step, mean squared step, mean step again, 8 scans each: in single precision, step by step."""
    luma = np.empty(SIDE * SIDE, np.float32)
    _fill_luma(rgb, luma)
    for scan in range(len(SCANS)):
        mean, squared = np.float32(0), np.float32(0)
        for step in range(1, SIDE * SIDE):
            change = luma[SCANS[scan, step]] - luma[SCANS[scan, step - 1]]
            mean += abs(change)
            squared += change * change
        out[scan] = out[16 + scan] = _printed(mean * PER_STEP)
        out[8 + scan] = _printed(squared * PER_STEP)


@inner()
def _fill_luma(rgb: U8, luma: F32) -> None:
    for y in range(SIDE):
        for x in range(SIDE):
            red, green = LUMA[0] * np.float32(rgb[0, y + 1, x + 1]), LUMA[1] * np.float32(rgb[1, y + 1, x + 1])
            luma[y * SIDE + x] = red + green + LUMA[2] * np.float32(rgb[2, y + 1, x + 1])


@inner()
def _printed(value: np.float32) -> Any:
    """A number with six decimals: exact, as 24 bits times 10^6 fit into a double, and read back as any parser does."""
    return np.rint(np.float64(value) * DECIMALS) / DECIMALS


@inner()
def _plane_values(planes: BlockPlanes, raw: F64) -> None:
    """Sum of magnitudes, and energy, of each predictor's filtered planes; 0 for the plane that is not there."""
    for predictor in range(PREDICTORS):
        twin = planes.twins[predictor]
        ensure_filtered(planes, twin)
        for plane in range(FILTERED_PLANES):
            place = predictor * FILTERED_PLANES + plane
            is_there = plane < FILTERED_PLANES - 1 or planes.size[0] > CHANNELS
            raw[_L1 + place] = _l1(planes.filtered[twin, plane]) if is_there else 0
            raw[_PLANE_ENERGY + place] = planes.filtered_energies[twin, plane] if is_there else 0


@inner()
def _l1(values: I64) -> Int:
    total = np.int32(0)
    for value in values:
        total += abs(np.int32(value))
    return total
