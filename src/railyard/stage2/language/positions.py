"""Positions of Qwen3-VL's rotary embedding: time, height and width for each token, and those of packed samples.

A text token has one place on all three axes. An image takes one moment and a grid of places, of which each is a merged
block of patches; the text after it goes on past the grid's longer side.
Legend: T tokens, G images, 3 = time, height, width.
"""

from collections.abc import Sequence

import numpy as np

from railyard.core.arrays import I64, Bool

MERGE = 2  # patches on a side of a merged block

Positions = I64


def rotary_positions(
    ids_T: I64, image_pad: int, grids_G3: Sequence[Sequence[int]] | Positions
) -> tuple[Positions, int]:
    """Positions [3, T] of a sequence, and the delta: what is added to an index after its end to get its position.

    `grids_G3`: frames, rows and columns of patches of each image in order, as the image processor gives them.
    Raises ValueError unless the sequence holds exactly these images, each of one frame and whole as a run.
    """
    is_pad_T = np.asarray(ids_T) == image_pad
    pieces: list[Positions] = []
    start, cursor = 0, 0
    for image_3N in (_image(*grid) for grid in grids_G3):
        begin = _next(is_pad_T, start)
        end = begin + image_3N.shape[1]
        if is_pad_T[begin:end].sum() < end - begin:
            raise ValueError(f"expected {end - begin} image tokens in a row from place {begin} on")
        pieces += [_text(cursor, begin - start), image_3N + cursor + begin - start]
        start, cursor = end, int(pieces[-1].max()) + 1
    if (extra := _next(is_pad_T, start)) < len(is_pad_T):
        raise ValueError(f"more image tokens than the {len(grids_G3)} images have, the first at {extra}")
    positions_3T = np.concatenate([*pieces, _text(cursor, len(is_pad_T) - start)], axis=1)
    return positions_3T, int(positions_3T.max(initial=-1)) + 1 - len(is_pad_T)


def packed_positions(segments: Sequence[Positions]) -> Positions:
    """Positions [4, sum of T] of samples laid end to end: row 0 counts from 0 in each, rows 1 to 3 are its own [3, T].

    Row 0 is what tells the model where a sample begins: with three rows, or an attention mask of ones, each sample
    would see the ones before it.
    """
    return np.concatenate([np.vstack([np.arange(each.shape[1]), each]) for each in segments], axis=1)


def _next(is_pad_T: Bool, start: int) -> int:
    """The first image token from `start` on, T if there is none."""
    found = np.flatnonzero(is_pad_T[start:])
    return start + int(found[0]) if len(found) else len(is_pad_T)


def _text(first: int, tokens: int) -> Positions:
    return np.tile(np.arange(first, first + tokens), (3, 1))


def _image(frames: int, rows: int, columns: int) -> Positions:
    if frames != 1 or rows % MERGE or columns % MERGE or min(rows, columns) < MERGE:
        raise ValueError(f"expected a grid of one frame with even sides, got {[frames, rows, columns]}")
    grid_3HW = np.indices((1, rows // MERGE, columns // MERGE))
    return grid_3HW.reshape(3, -1).astype(np.int64)
