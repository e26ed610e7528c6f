"""Images to .tlg8 files, a folder at a time: `railyard encode images=FOLDER out=FOLDER`.

One image after another, its blocks in threads. What is done stands in the ledger of `out`, with what it took;
the same command goes on after a kill and encodes what came in since.
"""

import hashlib
import io
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
from PIL import features

from railyard.core.arrays import U8
from railyard.core.errors import OnError
from railyard.core.making.ledger import Ledger, open_ledger
from railyard.core.progress import Count
from railyard.core.store import durable
from railyard.core.store.reading import read_bytes
from railyard.tlg8.codec.file import write
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import Selector
from railyard.tlg8.images.folders import Source, find, targets
from railyard.tlg8.images.reading import FORMATS, picture_of, read_planes
from railyard.tlg8.images.skips import Skips

SUFFIX = ".tlg8"
WEBP_METHOD = 6  # the slowest and smallest of Pillow's
MOST_WEBP_SIDE = 16383


def encode(
    images: Path,
    out: Path,
    selector: Selector,
    threads: int = 1,
    compare: bool = True,
    on_error: OnError = "stop",
    progress: Count | None = None,
) -> dict[str, Any]:
    """Encodes what is not encoded yet; `images` (a row each), `total`, `skipped` (file and reason).

    UserError if `out` holds anything else or other settings, and for a bad image unless `on_error="skip"`.
    """
    sources = find(images, FORMATS)
    places = targets(sources, out, SUFFIX)
    skips, rows = Skips(on_error), []
    settings = {"selector": type(selector).__name__, **selector.model_dump()}
    with open_ledger(out, "encoded images", settings) as ledger:
        encoder = _Encoder(ledger, selector, threads, compare)
        for number, source in enumerate(sources):
            with skips.over(source.relpath):
                rows.append(encoder.row(source, places[source.relpath], _tick(progress, number, len(sources), source)))
    return {"out": str(out), "encoded": encoder.fresh, "images": rows, "total": total_of(rows), "skipped": skips.files}


def total_of(rows: list[dict[str, Any]]) -> dict[str, Any]:
    """Sums over the images, and seconds per megapixel; what was not measured for all of them is left out."""
    total: dict[str, Any] = {"images": len(rows)}
    for key in ("pixels", "blocks", "bytes", "seconds", "png_bytes", "webp_bytes", "webp_seconds"):
        values = [row.get(key) for row in rows]
        if None not in values:
            total[key] = sum(values)
    return total


def _tick(progress: Count | None, number: int, images: int, source: Source) -> Callable[[int, int], None]:
    def tick(done: int, blocks: int) -> None:
        if progress:
            progress(number + done / blocks, images, note=f"{source.relpath}: {done:,}/{blocks:,} blocks")

    return tick


class _Encoder:
    """Gives the rows of the table, of the ledger or anew."""

    def __init__(self, ledger: Ledger, selector: Selector, threads: int, compare: bool) -> None:
        self.ledger, self.selector, self.threads, self.compare = ledger, selector, threads, compare
        self.fresh = 0
        self._warm = False

    def row(self, source: Source, place: Path, tick: Callable[[int, int], None]) -> dict[str, Any]:
        data = read_bytes(source.path)
        row = self.ledger.done(source.relpath, hashlib.sha256(data).hexdigest(), place)
        if row is not None and ("webp_bytes" in row or not self.compare):
            return row
        planes_CHW = read_planes(source.path, data)
        if row is None:
            self._warm_up()
            row = {"relpath": source.relpath, **_facts(source, data), **self._encode(planes_CHW, place, tick)}
            self.fresh += 1
        row = {**row, **(_webp(planes_CHW) if self.compare else {})}
        self.ledger.note(row)
        return row

    def _warm_up(self) -> None:
        """Compiles what is not compiled yet, so that no image is charged for it."""
        if not self._warm:
            for planes in (3, 4):
                black = np.zeros((planes, 8, 8), np.uint8)
                found = search_image(black, self.selector)
                write(black, found.ranks_N2[:, 0], found.entropies_N2[:, 0])
            self._warm = True

    def _encode(self, planes_CHW: U8, place: Path, tick: Callable[[int, int], None]) -> dict[str, Any]:
        start = time.perf_counter()
        found = search_image(planes_CHW, self.selector, self.threads, tick)
        encoded = write(planes_CHW, found.ranks_N2[:, 0], found.entropies_N2[:, 0])
        seconds = time.perf_counter() - start
        durable.write_bytes(place, encoded)
        components, height, width = planes_CHW.shape
        return {
            "sha256": hashlib.sha256(encoded).hexdigest(),
            "width": width,
            "height": height,
            "pixels": width * height,
            "components": components,
            "blocks": len(found.evaluations_N),
            "evaluations": int(found.evaluations_N.sum()),
            "bits": int(found.bits_N2[:, 0].sum(dtype=np.int64)),
            "bytes": len(encoded),
            "seconds": round(seconds, 4),
            "threads": self.threads,
        }


def _facts(source: Source, data: bytes) -> dict[str, Any]:
    is_png = FORMATS.get(source.path.suffix.lower()) == "PNG"
    return {"source_sha256": hashlib.sha256(data).hexdigest(), "png_bytes": len(data) if is_png else None}


def _webp(planes_CHW: U8) -> dict[str, Any]:
    """Bytes and seconds of lossless WebP, the colours under transparent pixels included as they are in .tlg8."""
    if not features.check("webp") or max(planes_CHW.shape) > MOST_WEBP_SIDE:
        return {"webp_bytes": None, "webp_seconds": None}
    file, start = io.BytesIO(), time.perf_counter()
    picture_of(planes_CHW).save(file, "WEBP", lossless=True, method=WEBP_METHOD, quality=100, exact=True)
    return {"webp_bytes": file.tell(), "webp_seconds": round(time.perf_counter() - start, 4)}
