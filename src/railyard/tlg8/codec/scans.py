"""The eight orders in which the 64 values of a block are coded: value i is the one at raster index SCANS[i].

Five are what their names say. The codec's tables 5, 6 and 7 map raster index to position and are used the other
way round, and table 2 mirrors positions instead of indices; they are reproduced as they are. A block that is
not 8x8 is always coded in raster order.
"""

import numpy as np

HILBERT, ZIGZAG, ANTIDIAGONAL, ROWS, COLUMNS, NNE, NEE, NWW = range(8)

_HILBERT = """
 0  8  9  1  2  3 11 10 18 19 27 26 25 17 16 24 32 33 41 40 48 56 57 49 50 58 59 51 43 42 34 35
36 37 45 44 52 60 61 53 54 62 63 55 47 46 38 39 31 23 22 30 29 28 20 21 13 12  4  5  6 14 15  7
"""
_NNE = """
 0  2 11 12 27 28 43 44  1  3 10 13 26 29 42 45  4  9 14 25 30 41 46 57  5  8 15 24 31 40 47 56
 6 16 23 32 39 48 55 58  7 17 22 33 38 49 54 59 18 21 34 37 50 53 60 62 19 20 35 36 51 52 61 63
"""
_NEE = """
 0  1  4  5  6  7 18 19  2  3  9  8 16 17 21 20 11 10 14 15 23 22 34 35 12 13 25 24 32 33 37 36
27 26 30 31 39 38 50 51 28 29 41 40 48 49 53 52 43 42 46 47 55 54 60 61 44 45 57 56 58 59 62 63
"""


def _zigzag() -> np.ndarray:
    """The zigzag of JPEG: along the diagonals, in turn upwards and downwards."""
    indices = sorted(np.ndindex(8, 8), key=lambda at: (sum(at), at[0] if sum(at) % 2 else at[1]))
    return np.array([8 * y + x for y, x in indices])


def _tables() -> np.ndarray:
    raster = np.arange(64).reshape(8, 8)
    boustrophedon = raster.copy()
    boustrophedon[1::2] = raster[1::2, ::-1]
    nee = np.array(_NEE.split(), int).reshape(8, 8)
    return np.stack(
        [
            np.array(_HILBERT.split(), int),
            _zigzag(),
            _zigzag().reshape(8, 8)[:, ::-1].ravel(),
            boustrophedon.ravel(),
            (boustrophedon % 8 * 8 + boustrophedon // 8).ravel(),
            np.array(_NNE.split(), int),
            nee.ravel(),
            nee[::-1].ravel(),
        ]
    )


SCANS = _tables().astype(np.uint8)
