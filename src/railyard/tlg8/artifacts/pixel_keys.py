"""What an artifact's line says of a block's pixels and neighbours: no tuple is looked at.

contexts: uint8 [N, 4, 9, 10] as in `codec.contexts`. Luma and its total variation are those of the reference to
the last digit: single precision, added up step by step, times 1/63 for any size, missing pixels 0.
"""

import numpy as np

from railyard.core.arrays import F32, U8
from railyard.tlg8.codec.scans import SCANS

LUMA = np.array([0.299, 0.587, 0.114], np.float32)
PER_STEP = np.float32(1) / np.float32(63)


def pixels(contexts_N: U8, components: int, width: int, height: int) -> U8:
    """Pixels [N, height * width * components] of blocks of one size: row by row, then plane by plane."""
    inner = contexts_N[:, :components, 1 : height + 1, 1 : width + 1]
    return np.ascontiguousarray(inner.transpose(0, 2, 3, 1)).reshape(len(contexts_N), -1)


def neighbours(contexts_N: U8, components: int) -> dict[str, U8]:
    """The colours without alpha of the 8 pixels above, the 8 to the left, and the corner."""
    rgb = contexts_N[:, components - 3 : components].transpose(0, 2, 3, 1)
    return {
        "pixels_top_rgb": rgb[:, 0, 1:9].reshape(-1, 24),
        "pixels_left_rgb": rgb[:, 1:, 0].reshape(-1, 24),
        "pixel_topleft_rgb": rgb[:, 0, 0],
    }


def total_variations(contexts_N: U8, components: int) -> dict[str, F32]:
    """Mean step of the luma, and mean squared step, along each scan, [N, 8]; the mean twice, as it always was."""
    planes = contexts_N[:, components - 3 : components, 1:, 1:9].reshape(len(contexts_N), 3, 64)
    red, green, blue = (weight * planes[:, plane].astype(np.float32) for plane, weight in enumerate(LUMA))
    steps = np.diff((red + green + blue)[:, SCANS], axis=2)
    mean, squared = _mean(np.abs(steps)), _mean(steps * steps)
    return {"reorder_tv_mean": mean, "reorder_tv2_mean": squared, "reorder_tv": mean}


def _mean(steps_N8S: F32) -> F32:
    """Over the steps; `cumsum` adds in their order, `sum` would not."""
    return np.asarray(np.cumsum(steps_N8S, axis=2)[:, :, -1] * PER_STEP)
