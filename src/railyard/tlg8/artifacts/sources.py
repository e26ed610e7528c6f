"""The images of a job: what decides their blocks, and their planes when they are needed."""

import hashlib
from collections.abc import Callable
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

from railyard.core.arrays import U8
from railyard.core.errors import BadRecord, UserError
from railyard.core.store.reading import read_bytes
from railyard.tlg8.codec.blocks import count_blocks
from railyard.tlg8.images.folders import find
from railyard.tlg8.images.reading import FORMATS, read_planes
from railyard.tlg8.images.skips import Skips


class SourceImage(NamedTuple):
    """An image that was read once: `sha256` is that of its file."""

    relpath: str
    path: Path
    sha256: str
    width: int
    height: int
    components: int

    @property
    def blocks(self) -> int:
        return count_blocks(self.width, self.height)


def find_images(source: Path, skips: Skips, progress: Callable[[int, int], None]) -> list[SourceImage]:
    """The images below `source` in the order of their names, each decoded once, so that a bad one is known early.

    UserError if none is left.
    """
    found, images = find(source, FORMATS), []
    for number, (relpath, path) in enumerate(found, 1):
        with skips.over(relpath):
            data = read_bytes(path)
            components, height, width = read_planes(path, data).shape
            images.append(SourceImage(relpath, path, hashlib.sha256(data).hexdigest(), width, height, components))
        progress(number, len(found))
    if not images:
        raise UserError(f"{source} holds no image that can be taken: nothing was written")
    return images


@lru_cache(maxsize=1)
def planes_of(image: SourceImage) -> U8:
    """The planes of an image; those of the last one are kept, since its pieces follow each other."""
    data = read_bytes(image.path)
    if hashlib.sha256(data).hexdigest() != image.sha256:
        raise BadRecord(image.path, "the file changed while it was worked on: run the command again")
    return read_planes(image.path, data)
