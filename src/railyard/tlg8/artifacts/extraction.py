"""Images to a pack of searched blocks: `railyard extract images=FOLDER out=PACK`.

Every image is decoded once to know the job; then pieces of it are searched in worker processes and kept beside `out`,
where all parts share them. Whichever part is the last to finish joins them.
"""

import hashlib
import json
from collections.abc import Sequence
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

import numpy as np

from railyard.core.errors import OnError
from railyard.core.making.outputs import finished_before
from railyard.core.making.parts import WHOLE, Part, join_parts, part_folder
from railyard.core.making.pieces import Made, Pieces
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.core.store.reading import read_json
from railyard.tlg8.artifacts.assembly import SCHEMA_VERSION, assemble
from railyard.tlg8.artifacts.block_rows import block_rows
from railyard.tlg8.artifacts.compression import require_zstandard
from railyard.tlg8.artifacts.lines import lines
from railyard.tlg8.artifacts.pieces import Piece, data_of, pieces_of
from railyard.tlg8.artifacts.sources import SourceImage, find_images, planes_of
from railyard.tlg8.codec.blocks import blocks_of, sizes_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.selectors import ENTROPIES, Gated
from railyard.tlg8.images.skips import Skips

PIECES = "pieces"  # the folder that all parts share


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
    progress: Count | None = None,
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
    what, pieces = "a pack of these images", pieces_of(images)
    if manifest := finished_before(out, origin, what):
        return {"out": str(out), **manifest["counts"], "already_there": True}
    own = {number: pieces[number] for number in part.of(len(pieces))}
    with part_folder(out, origin, part) as folder:
        work = partial(search_piece, images=images, options=options)
        Pieces(folder.parent / PIECES).make(own, lambda piece: piece.blocks, work, workers, progress)

    def join(folder: Path, parts: Sequence[Path]) -> Path:
        assemble(folder, Pieces(folder.parent / PIECES), images, pieces, origin)
        return folder

    if missing := join_parts(out, origin, what, len(pieces), part.count, join):
        return {"out": str(out), "blocks": sum(piece.blocks for piece in own.values()), "missing_parts": missing}
    return {"out": str(out), **read_json(out / durable.MANIFEST)["counts"]}


def search_piece(piece: Piece, images: list[SourceImage], options: Options) -> Made:
    """Rows and lines of a piece. BadRecord for an image that changed meanwhile."""
    image = images[piece.image]
    planes_CHW = planes_of(image)
    blocks = blocks_of(image.width, image.height)[piece.first : piece.end]
    contexts_N, sizes_N2 = contexts_of(planes_CHW, blocks), sizes_of(blocks)
    found = Gated(entropy=options.entropy).find(contexts_N, sizes_N2, image.components)
    rows = block_rows(piece.image, blocks, contexts_N, image.components, found)
    tiles_N2 = np.stack([blocks["tile_x"], blocks["tile_y"]], axis=1)
    size = (image.width, image.height)
    return Made(data_of(rows, lines(image.relpath, size, tiles_N2, rows, ENTROPIES[options.entropy])))


def _origin(images: list[SourceImage], skips: Skips, options: Options) -> dict[str, Any]:
    """What decides the bytes of a pack: equal origins, equal packs (of one version of Railyard)."""
    names = [(image.relpath, image.sha256) for image in images]
    return {
        "kind": "tlg8 pack",
        "pack_version": SCHEMA_VERSION,
        "images_sha256": hashlib.sha256(json.dumps(names).encode()).hexdigest(),
        "options": asdict(options),
        "skipped": skips.files,
    }
