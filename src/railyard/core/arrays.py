"""Short names for NumPy arrays in signatures: U8 is an array of uint8, I64 one of int64, F64 one of float64.

Shapes are in the names of the arguments (`sizes_N2`); each file explains its letters.
"""

from typing import Any

import numpy as np
from numpy.typing import NDArray

Records = NDArray[np.void]  # rows of a structured dtype
Bool = NDArray[np.bool_]
U8 = NDArray[np.uint8]
U16 = NDArray[np.uint16]
U32 = NDArray[np.uint32]
U64 = NDArray[np.uint64]
I16 = NDArray[np.int16]
I32 = NDArray[np.int32]
I64 = NDArray[np.int64]
F32 = NDArray[np.float32]
F64 = NDArray[np.float64]

# one number that compiled code takes or returns, int64 there; Python's and NumPy's integers are one to it
Int = Any
