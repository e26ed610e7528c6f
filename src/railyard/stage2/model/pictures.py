"""Images as patches, the form in which Qwen3-VL sees them: made ahead by the loader, read once a step by `forwards.py`.

The same numbers as transformers' image processor with `do_resize=False`; sides have to be multiples of 32 pixels.
Legend: B samples, P patches of all of them, C = 1536 numbers of a patch, 3 = frames, rows and columns of patches.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from railyard.core.arrays import F32, I64, U8
from railyard.stage2.language.positions import MERGE

if TYPE_CHECKING:
    from torch import Tensor, device

PATCH, FRAMES = 16, 2  # pixels of a side; a still image is repeated as the two frames of a moment


@dataclass(frozen=True)
class Patches:
    """One image: patches [P, C] float32 in -1..1, merged blocks together, and its grid [3]."""

    patches_PC: F32
    grid_3: I64


@dataclass(frozen=True)
class Pictures:
    """The images of a batch: one a sample, their patches end to end; grids [B, 3]."""

    patches_PC: "Tensor"
    grids_B3: "Tensor"

    def to(self, device: "device") -> "Pictures":
        return Pictures(self.patches_PC.to(device), self.grids_B3.to(device))


def cut(image_HW3: U8) -> Patches:
    """The patches of an RGB image. Sides are multiples of 32 (`chat.image_tokens` refuses others by name)."""
    rows, columns = image_HW3.shape[0] // PATCH, image_HW3.shape[1] // PATCH
    scaled_HW3 = image_HW3.astype(np.float32) / 127.5 - 1
    blocks = scaled_HW3.reshape(rows // MERGE, MERGE, PATCH, columns // MERGE, MERGE, PATCH, 3)
    ordered = blocks.transpose(0, 3, 1, 4, 6, 2, 5)  # block row, block column, row, column, colour, y, x
    repeated = np.broadcast_to(ordered[:, :, :, :, :, None], (*ordered.shape[:5], FRAMES, PATCH, PATCH))
    return Patches(repeated.reshape(rows * columns, -1), np.array([1, rows, columns], np.int64))


def batch(images: Sequence[Patches]) -> Pictures:
    """The images of a batch in order, as tensors."""
    import torch

    return Pictures(
        torch.from_numpy(np.concatenate([each.patches_PC for each in images])),
        torch.from_numpy(np.stack([each.grid_3 for each in images])),
    )
