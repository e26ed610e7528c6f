"""Images to a pack of searched blocks: `railyard extract images=FOLDER out=PACK`.

Every image is decoded once to know the job; then pieces of it are searched in worker processes and laid on a
shelf beside `out`. Whichever call finds all of them there puts the pack together.
"""

import hashlib
import json
import logging
from collections.abc import Callable
from contextlib import closing
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from railyard.core import package
from railyard.core.errors import BadRecord, OnError
from railyard.core.making.outputs import refuse_occupied
from railyard.core.making.parts import Part
from railyard.core.store.lock import locked
from railyard.core.store.workers import cores, map_in_processes
from railyard.tlg8.artifacts.assembly import SCHEMA_VERSION, assemble, finished_before
from railyard.tlg8.artifacts.block_rows import block_rows
from railyard.tlg8.artifacts.compression import require_zstandard
from railyard.tlg8.artifacts.lines import lines
from railyard.tlg8.artifacts.pieces import Piece, Shelf, pieces_of
from railyard.tlg8.artifacts.sources import SourceImage, find_images, planes_of
from railyard.tlg8.codec.blocks import blocks_of, sizes_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.selectors import ENTROPIES, Gated
from railyard.tlg8.images.skips import Skips

log = logging.getLogger(__name__)

JOIN_SECONDS = 600.0  # that the last part waits while another one looks whether all are there
PIECES_A_WORKER = 4  # a worker takes some seconds to start: about as long as so many pieces take
WHOLE = Part(0, 1)

Progress = Callable[[int, int, int], None]  # blocks done, blocks in all, blocks done before this call
Searched = tuple[NDArray[np.void], bytes]


@dataclass(frozen=True)
class Options:
    """What decides a pack beside its images and the version of Railyard."""

    entropy: Literal["plain", "runlength", "auto"] = "plain"
    compressed: bool = False


def extract(
    source: Path,
    out: Path,
    options: Options | None = None,
    on_error: OnError = "stop",
    workers: int | None = None,
    part: Part = WHOLE,
    progress: Progress | None = None,
) -> dict[str, Any]:
    """Searches this part's pieces of the images below `source`; counts, with the parts that are still missing.

    If the very same pack stands at `out` already, nothing is done; what was killed goes on. UserError if `out`
    holds anything else, and for a bad image unless `on_error="skip"`.
    """
    options = options or Options()
    require_zstandard(options.compressed)
    skips = Skips(on_error)
    images = find_images(source, skips, lambda done, total: None)
    origin = _origin(images, skips, options)
    shelf_key = hashlib.sha256(json.dumps(origin).encode()).hexdigest()[:16]
    if manifest := finished_before(out, origin):
        log.info("%s holds this very pack already", out)
        Shelf(out, shelf_key).clear()
        return {"out": str(out), **manifest["counts"], "already_there": True}
    refuse_occupied(out, "a pack of these images")
    shelf, pieces = Shelf(out, shelf_key), pieces_of(images)
    own = [pieces[number] for number in part.of(len(pieces))]
    with locked(_folder_of(shelf, part)):
        _search_all(images, own, shelf, options, workers, progress)
    missing = _join(out, shelf, images, pieces, origin, part.count)
    if missing:
        return {"out": str(out), "blocks": sum(piece.end - piece.first for piece in own), "missing_parts": missing}
    return {"out": str(out), **(finished_before(out, origin) or {})["counts"]}


def search_piece(piece: Piece, images: list[SourceImage], options: Options) -> Searched | BadRecord:
    """Rows and lines of a piece; an image that changed meanwhile is returned, for the caller to raise."""
    image = images[piece.image]
    try:
        planes_CHW = planes_of(image)
    except BadRecord as bad:
        return bad
    blocks = blocks_of(image.width, image.height)[piece.first : piece.end]
    contexts_N, sizes_N2 = contexts_of(planes_CHW, blocks), sizes_of(blocks)
    found = Gated(entropy=options.entropy).find(contexts_N, sizes_N2, image.components)
    rows = block_rows(piece.image, blocks, contexts_N, image.components, found)
    tiles_N2 = np.stack([blocks["tile_x"], blocks["tile_y"]], axis=1)
    size = (image.width, image.height)
    return rows, lines(image.relpath, size, tiles_N2, rows, ENTROPIES[options.entropy])


def _search_all(
    images: list[SourceImage],
    pieces: list[Piece],
    shelf: Shelf,
    options: Options,
    workers: int | None,
    progress: Progress | None,
) -> None:
    """Searches the pieces that are not on the shelf."""
    rest = [piece for piece in pieces if not shelf.has(piece)]
    total = sum(piece.end - piece.first for piece in pieces)
    before = done = total - sum(piece.end - piece.first for piece in rest)
    if before:
        log.info("going on: %d of %d blocks are done", before, total)
    work = partial(search_piece, images=images, options=options)
    count = workers or max(1, min(cores(), len(rest) // PIECES_A_WORKER))
    with closing(map_in_processes(work, rest, count)) as searched:
        for piece, result in zip(rest, searched, strict=True):
            if isinstance(result, BadRecord):
                raise result
            shelf.put(piece, *result)
            done += piece.end - piece.first
            if progress:
                progress(done, total, before)


def _folder_of(shelf: Shelf, part: Part) -> Path:
    """What the lock of a part stands in: two calls for the same one would do the same work twice."""
    folder = shelf.folder / f"part-{part.index}of{part.count}"
    folder.mkdir(parents=True, exist_ok=True)
    return folder


def _join(
    out: Path, shelf: Shelf, images: list[SourceImage], pieces: list[Piece], origin: dict[str, Any], parts: int
) -> list[str]:
    """Puts the pack together if all pieces are there, unless another part has just done so; the parts that miss."""
    shelf.folder.mkdir(parents=True, exist_ok=True)  # the other part may have cleared it
    with locked(shelf.folder, patience=JOIN_SECONDS):
        if not finished_before(out, origin):
            shares = [Part(index, parts) for index in range(parts)]
            missing = [str(part) for part in shares if not all(shelf.has(pieces[at]) for at in part.of(len(pieces)))]
            if missing:
                return missing
            assemble(out, shelf, images, pieces, origin)
        shelf.clear()
    return []


def _origin(images: list[SourceImage], skips: Skips, options: Options) -> dict[str, Any]:
    """What decides the bytes of a pack: equal origins, equal packs (of one version of Railyard)."""
    names = [(image.relpath, image.sha256) for image in images]
    return {
        "kind": "tlg8 pack",
        "pack_version": SCHEMA_VERSION,
        "images_sha256": hashlib.sha256(json.dumps(names).encode()).hexdigest(),
        "options": asdict(options),
        "skipped": skips.files,
        "railyard_version": package.__version__,
    }
