"""Reads files of `torch.save` as data: tensors and plain containers, or one sentence."""

import pickle
import warnings
import zipfile
from pathlib import Path
from typing import Any

import torch

from railyard.core.errors import UserError

# what torch.load raises on damaged bytes
_DAMAGE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError),
    *(TypeError, AttributeError, MemoryError, OverflowError, AssertionError, NotImplementedError),
)


def load_tensors(path: Path, map_location: Any = "cpu", advice: str = "take another one") -> Any:
    """What the file holds. UserError where it is none, is damaged, or holds more than tensors and plain containers.

    Members are never compressed by torch.save, and torch would unpack such ones without end.
    """
    try:
        if zipfile.is_zipfile(path):
            with zipfile.ZipFile(path) as archive:
                if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                    raise ValueError("its members are compressed")
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of other pickle protocols: it is read or refused
            return torch.load(path, map_location=map_location, weights_only=True)
    except _DAMAGE as fault:
        reason = next(iter(str(fault).splitlines()), type(fault).__name__)
        raise UserError(f"{path} cannot be read as plain tensors ({reason}): {advice}") from None
