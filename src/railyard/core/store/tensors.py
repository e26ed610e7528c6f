"""Reads files of `torch.save` and of safetensors as data: tensors and plain containers, or one sentence."""

import pickle
import warnings
import zipfile
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import torch
from safetensors import SafetensorError
from safetensors.torch import load_file

from railyard.core.errors import UserError
from railyard.core.store.reading import MOST_DEPTH, open_regular

MOST_HEADER_BYTES = 4 * 2**20  # of safetensors: some 30,000 tensors

# what torch.load raises on damaged bytes
DAMAGE = (
    *(pickle.UnpicklingError, zipfile.BadZipFile, RuntimeError, EOFError, OSError, ValueError, KeyError, IndexError),
    *(TypeError, AttributeError, MemoryError, OverflowError, AssertionError, NotImplementedError),
)


def load_tensors(path: Path, map_location: Any = "cpu", advice: str = "take another one") -> Any:
    """What the file holds. UserError where it is none, is damaged, or holds more than tensors and plain containers.

    Members are never compressed by torch.save, and torch would unpack such ones without end.
    """
    try:
        with open_regular(path) as file:
            if zipfile.is_zipfile(file):
                with zipfile.ZipFile(file) as archive:
                    if any(member.compress_type != zipfile.ZIP_STORED for member in archive.infolist()):
                        raise ValueError("its members are compressed")
            file.seek(0)
            if not file.read(2).startswith((b"PK", b"\x80")):  # torch would take it for a tar archive and unpack it
                raise ValueError("it does not begin as torch.save writes")
            file.seek(0)
            with warnings.catch_warnings():
                warnings.simplefilter("ignore")  # of other pickle protocols: it is read or refused
                content = torch.load(file, map_location=map_location, weights_only=True)
        _refuse_odd_trees(content)
        return content
    except DAMAGE as fault:
        raise UserError(f"{path} cannot be read as plain tensors ({_reason(fault)}): {advice}") from None


def load_safetensors(path: Path) -> dict[str, torch.Tensor]:
    """The tensors of a safetensors file by name; UserError where it is none or is damaged."""
    try:
        with open_regular(path) as file:
            if int.from_bytes(file.read(8), "little") > MOST_HEADER_BYTES:
                raise ValueError(f"its header takes more than {MOST_HEADER_BYTES:,} bytes")
        return load_file(path)
    except (*DAMAGE, SafetensorError) as fault:
        raise UserError(f"{path} is damaged or no safetensors file ({_reason(fault)}): copy it again") from None


def _reason(fault: Exception) -> str:
    return next(iter(str(fault).splitlines()), type(fault).__name__)


def _refuse_odd_trees(content: Any) -> None:
    """ValueError for what a few bytes can stand for: containers without end, tensors larger than what they hold."""
    level, seen = [content], set[int]()
    for _ in range(MOST_DEPTH):
        level = [node for node in level if id(node) not in seen]
        seen.update(map(id, level))
        for node in level:
            if isinstance(node, torch.Tensor) and node.nbytes > max(node.untyped_storage().nbytes(), 1):
                raise ValueError(f"a tensor of shape {list(node.shape)} repeats a few values")
        level = [
            child
            for node in level
            if isinstance(node, Mapping | list | tuple)
            for child in (node.values() if isinstance(node, Mapping) else node)
        ]
    if level:
        raise ValueError(f"it is nested more than {MOST_DEPTH} deep")
