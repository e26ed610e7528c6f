"""Positions of Qwen3-VL's rotary embedding: time, height and width for each token, and those of packed samples.

A text token has one place on all three axes. An image takes one moment and a grid of places, of which each is a merged
block of patches; the text after it goes on past the grid's longer side.
Legend: T tokens, G images, 3 = time, height, width.
"""

from collections.abc import Sequence

import numpy as np
import numpy.typing as npt

MERGE = 2  # patches on a side of a merged block

Positions = npt.NDArray[np.int64]


def rotary_positions(
    ids_T: npt.NDArray[np.int64], image_pad: int, grids_G3: Sequence[Sequence[int]] | Positions
) -> tuple[Positions, int]:
    """Positions [3, T] of a sequence, and the delta: what is added to an index after its end to get its position.

    `grids_G3`: frames, rows and columns of patches of each image in order, as the image processor gives them.
    Raises ValueError unless the sequence holds exactly these images, each of one frame and whole as a run.
    """
    positions_3T = np.empty((3, len(ids_T)), np.int64)
    is_pad_T = np.asarray(ids_T) == image_pad
    start, cursor = 0, 0
    for grid in grids_G3:
        image_3N = _image(*grid)
        begin = start + int(np.argmax(is_pad_T[start:])) if is_pad_T[start:].any() else len(ids_T)
        end = begin + image_3N.shape[1]
        if not is_pad_T[begin:end].sum() == end - begin:
            raise ValueError(f"expected {end - begin} image tokens in a row from place {begin} on (grid {[*grid]})")
        positions_3T[:, start:begin] = np.arange(cursor, cursor + begin - start)
        cursor += begin - start
        positions_3T[:, begin:end] = cursor + image_3N
        start, cursor = end, cursor + 1 + int(image_3N.max())
    if is_pad_T[start:].any():
        raise ValueError(
            f"more image tokens than the {len(grids_G3)} images have, the first at {start + is_pad_T[start:].argmax()}"
        )
    positions_3T[:, start:] = np.arange(cursor, cursor + len(ids_T) - start)
    return positions_3T, (int(positions_3T.max()) + 1 - len(ids_T) if len(ids_T) else 0)


def packed_positions(segments: Sequence[Positions]) -> Positions:
    """Positions [4, sum of T] of samples laid end to end: row 0 counts from 0 in each, rows 1 to 3 are its own [3, T].

    Row 0 is what tells the model where a sample begins: with three rows, or an attention mask of ones, each sample
    would see the ones before it.
    """
    return np.concatenate([np.vstack([np.arange(each.shape[1]), each]) for each in segments], axis=1)


def _image(frames: int, rows: int, columns: int) -> Positions:
    if frames != 1 or rows % MERGE or columns % MERGE or min(rows, columns) < MERGE:
        raise ValueError(f"expected a grid of one frame with even sides, got {[frames, rows, columns]}")
    grid_3HW = np.indices((1, rows // MERGE, columns // MERGE))
    return grid_3HW.reshape(3, -1).astype(np.int64)
