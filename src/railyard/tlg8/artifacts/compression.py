"""JSON lines in plain files and in zstandard's: opened for reading and writing as streams of bytes."""

import importlib.util
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import IO, Any, BinaryIO, cast

from railyard.core.errors import UserError

SUFFIX = ".zst"
LEVEL = 6  # 8.5 times smaller, on the lines of two images


def require_zstandard(wanted: bool = True) -> None:
    """UserError if it is wanted and not installed."""
    if wanted and importlib.util.find_spec("zstandard") is None:
        raise UserError("compressed lines need zstandard, which is not installed: pip install 'railyard[zstd]'")


@contextmanager
def compressed(file: IO[Any], wanted: bool) -> Iterator[BinaryIO]:
    """What is written here goes to `file`, compressed if that is wanted."""
    if not wanted:
        yield cast(BinaryIO, file)
        return
    import zstandard

    with zstandard.ZstdCompressor(level=LEVEL).stream_writer(file, closefd=False) as stream:
        yield cast(BinaryIO, stream)


@contextmanager
def open_lines(path: Path) -> Iterator[BinaryIO]:
    """A file of lines for reading; one that ends in .zst is decompressed. UserError if that cannot be done."""
    if path.suffix != SUFFIX:
        with path.open("rb") as file:
            yield file
        return
    require_zstandard()
    import io

    import zstandard

    with path.open("rb") as file:
        stream = zstandard.ZstdDecompressor().stream_reader(file, read_across_frames=True)
        try:
            yield cast(BinaryIO, io.BufferedReader(cast(Any, stream), 1 << 20))
        except zstandard.ZstdError as error:
            raise UserError(f"{path} is damaged ({error}): restore it or make the pack again") from error
