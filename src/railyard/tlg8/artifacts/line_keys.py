"""The keys of a line of `training.all.jsonl` that hold numbers, and the length of each list, in the order of the line.

Imports nothing heavy: configs are checked against these names.
"""

_CLASSES = {"perm": 6, "primary": 4, "secondary": 4}
_HILBERT = "score_bits_plain_hilbert_{}_min_by_{}"
_INTERLEAVINGS = ("none", "interleave")
PROJECTIONS = {"predictor": 8, "cf_perm": 6, "cf_primary": 4, "cf_secondary": 4, "reorder": 8, "interleave": 2}


def _score_lengths() -> dict[str, int | None]:
    """Length of each score's list in the order of the line; None for a single number."""
    lengths: dict[str, int | None] = {"score_residual_energy_by_predictor": 8}
    lengths["score_filtered_energy_min_by_filter"] = 96
    lengths |= {f"score_filtered_energy_min_by_{name}": length for name, length in _CLASSES.items()}
    lengths |= {_HILBERT.format(name, "filter"): 96 for name in _INTERLEAVINGS}
    for head in ("predictor", "reorder"):
        lengths |= {f"score_bits_plain_{name}_min_by_{head}": 8 for name in _INTERLEAVINGS}
    lengths |= _class_lengths("")
    lengths |= {_HILBERT.format(name, "filter_top2pred"): 96 for name in _INTERLEAVINGS}
    lengths |= _class_lengths("_top2pred")
    return {**lengths, "score_best_residual_energy": None, "score_best_filtered_energy": None}


def _class_lengths(suffix: str) -> dict[str, int | None]:
    return {
        _HILBERT.format(name, part) + suffix: length for name in _INTERLEAVINGS for part, length in _CLASSES.items()
    }


SCORES = _score_lengths()
NEIGHBOURS = {"pixels_top_rgb": 24, "pixels_left_rgb": 24, "pixel_topleft_rgb": 3}
VARIATIONS = {"reorder_tv_mean": 8, "reorder_tv2_mean": 8, "reorder_tv": 8}
CHOICE = ("predictor", "filter", "reorder", "interleave", "entropy", "bits")
