"""Headers of `.npy` files: read and checked against the rows expected, or written to be patched later.

Only facts are taken from a header, never pickled objects. A file's field names, their order, their formats
and their packing must be those expected; the bytes of its header need not be.
"""

from itertools import zip_longest
from pathlib import Path
from tokenize import TokenError
from typing import Any

import numpy as np
from numpy.lib import format as npy

from railyard.core.errors import UserError
from railyard.core.store.reading import open_regular

HEADER_ALIGNMENT = 64
LONGEST_LENGTH = 10**19 - 1  # the header keeps room for 19 digits, as growing files of npyz do

# what NumPy's header reader raises on damaged bytes
_DAMAGE = (ValueError, SyntaxError, TokenError, TypeError, RecursionError, MemoryError)


def header(dtype: np.dtype[Any], rows: int) -> bytes:
    """A version 1.0 `.npy` header whose length does not depend on `rows`, so that it can be patched."""
    length = len(npy.MAGIC_PREFIX) + 4 + len(_header_text(dtype, LONGEST_LENGTH)) + len("\n")
    length += -length % HEADER_ALIGNMENT
    text = _header_text(dtype, rows).ljust(length - len(npy.MAGIC_PREFIX) - 5) + "\n"
    return npy.magic(1, 0) + len(text).to_bytes(2, "little") + text.encode("latin1")


def _header_text(dtype: np.dtype[Any], rows: int) -> str:
    facts = {"descr": npy.dtype_to_descr(dtype.base), "fortran_order": False, "shape": (rows, *dtype.shape)}
    return repr(facts)


def read_header(path: Path, dtype: np.dtype[Any]) -> tuple[int, int]:
    """Number of rows of a file and the offset of the first one.

    dtype: of one row; a subarray dtype stands for a file of shape [rows, *its shape].
    Raises UserError, one sentence naming the file: not a `.npy` file, truncated, not rows of `dtype`.
    """
    shape, fortran_order, found, offset = _parse_header(path)
    problem = _difference(found, dtype.base) or _shape_difference(shape, fortran_order, dtype.shape)
    if problem:
        raise UserError(f"{path} {problem}")
    size, needed = path.stat().st_size, offset + shape[0] * dtype.itemsize
    if size < needed:
        raise UserError(
            f"{path} is truncated: its header speaks of {shape[0]} rows, which take {needed} bytes, "
            f"but the file has {size}; copy or write it again"
        )
    return shape[0], offset


def read_shape(path: Path) -> tuple[int, ...]:
    """The shape of a file's array. UserError for what is no `.npy` file."""
    return _parse_header(path)[0]


def read_names(path: Path) -> tuple[str, ...]:
    """The field names of a file's rows, none where they have none. UserError for what is no `.npy` file."""
    return _parse_header(path)[2].names or ()


def _parse_header(path: Path) -> tuple[tuple[int, ...], bool, np.dtype[Any], int]:
    try:
        with open_regular(path) as file:
            version = npy.read_magic(file)
            read = npy.read_array_header_1_0 if version == (1, 0) else npy.read_array_header_2_0
            return *read(file), file.tell()
    except (*_DAMAGE, FileNotFoundError) as error:
        reason = str(error).partition("\n")[0] or type(error).__name__
        raise UserError(f"{path} is not a readable .npy file ({reason}): copy or write it again") from error


def _difference(found: np.dtype[Any], expected: np.dtype[Any]) -> str | None:
    """What is wrong with a file of `found`, as the rest of a sentence that begins with its path."""
    if found.hasobject:
        return "holds pickled Python objects, which are never read: write it with fields of fixed size"
    if found.names is None or expected.names is None:
        return None if found == expected else f"holds {found}, expected {_described(expected)}"
    return (
        _name_difference(found.names, expected.names)
        or _format_difference(found, expected)
        or _packing_difference(found, expected)
    )


def _described(dtype: np.dtype[Any]) -> str:
    return str(dtype) if dtype.names is None else f"rows with the fields {', '.join(dtype.names)}"


def _name_difference(found: tuple[str, ...], expected: tuple[str, ...]) -> str | None:
    for position, (name, wanted) in enumerate(zip_longest(found, expected), start=1):
        if name != wanted:
            has = f"has {name!r} as field {position}" if name else f"ends after field {position - 1}"
            return f"{has}, expected {repr(wanted) if wanted else 'no further field'}: " + (
                f"the fields must be {', '.join(expected)}, in this order"
            )
    return None


def _format_difference(found: np.dtype[Any], expected: np.dtype[Any]) -> str | None:
    for name in expected.names or ():
        if found[name] != expected[name]:
            return f"has the field {name!r} as {found[name]}, expected {expected[name]}: write it again"
    return None


def _packing_difference(found: np.dtype[Any], expected: np.dtype[Any]) -> str | None:
    if _layout(found) == _layout(expected):
        return None
    return (
        f"has rows of {found.itemsize} bytes with gaps (NumPy's align=True), expected {expected.itemsize} "
        "bytes: write them packed with numpy.save(file, numpy.lib.recfunctions.repack_fields(rows))"
    )


def _layout(dtype: np.dtype[Any]) -> list[int]:
    return [dtype.itemsize, *(offset for _, offset, *_ in (dtype.fields or {}).values())]


def _shape_difference(shape: tuple[int, ...], fortran_order: bool, row_shape: tuple[int, ...]) -> str | None:
    if len(shape) == 0 or shape[0] < 0 or shape[1:] != row_shape:
        wanted = ", ".join(["rows", *map(str, row_shape)])
        return f"holds an array of shape {shape}, expected ({wanted})"
    if fortran_order and row_shape:
        return "is in Fortran order: write it with numpy.ascontiguousarray"
    return None
