"""What a network is given of blocks: pixels from 0 to 1, then features, NaN where one is not known.

The same for training, evaluation and an encoder. Shapes: N blocks, D features.
"""

import numpy as np

from railyard.core.arrays import F32, U8, Bool

PIXEL_SCALE = np.float32(255)


def inputs_of(values_ND: F32, known_ND: Bool, pixels_N192: U8 | None) -> F32:
    """Inputs float32 [N, 192 + D], or [N, D] without pixels."""
    features = np.where(known_ND, values_ND, np.float32(np.nan))
    if pixels_N192 is None:
        return features
    return np.concatenate([pixels_N192.astype(np.float32) / PIXEL_SCALE, features], axis=1)
