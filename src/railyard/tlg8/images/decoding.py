"""`.tlg8` files to PNG, a folder at a time: `railyard decode files=FOLDER out=FOLDER`."""

import hashlib
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from railyard.core.arrays import U8
from railyard.core.errors import BadRecord, OnError
from railyard.core.making.ledger import Ledger, open_ledger
from railyard.core.store import durable
from railyard.core.store.reading import read_bytes
from railyard.tlg8.codec.file import read
from railyard.tlg8.codec.file_header import BadFile
from railyard.tlg8.images.folders import Source, find, targets
from railyard.tlg8.images.reading import png_bytes
from railyard.tlg8.images.skips import Skips


def decode(
    files: Path, out: Path, on_error: OnError = "stop", progress: Callable[[int, int], None] | None = None
) -> dict[str, Any]:
    """Decodes what is not decoded yet; counts, seconds per megapixel of the decoding alone, and what was skipped.

    UserError if `out` holds anything else, and for a bad file unless `on_error="skip"`.
    """
    sources = find(files, (".tlg8",))
    places = targets(sources, out, ".png")
    skips = Skips(on_error)
    with open_ledger(out, "decoded files", {}) as ledger:
        decoder = _Decoder(ledger)
        for number, source in enumerate(sources, 1):
            with skips.over(source.relpath):
                decoder.take(source, places[source.relpath])
            if progress:
                progress(number, len(sources))
    return {
        "out": str(out),
        "decoded": decoder.fresh,
        "done_before": len(sources) - decoder.fresh - len(skips.files),
        "skipped": skips.files,
        "megapixels": decoder.pixels / 1e6,
        "seconds_per_megapixel": round(decoder.seconds / decoder.pixels * 1e6, 4) if decoder.pixels else None,
    }


class _Decoder:
    def __init__(self, ledger: Ledger) -> None:
        self.ledger = ledger
        self.fresh, self.pixels, self.seconds = 0, 0, 0.0

    def take(self, source: Source, place: Path) -> None:
        data = read_bytes(source.path)
        digest = hashlib.sha256(data).hexdigest()
        if self.ledger.done(source.relpath, digest, place):
            return
        if not self.fresh:
            self._read(source, data)  # the first time it is compiled, which is not to count
            self.seconds = 0.0
        planes_CHW = self._read(source, data)
        png = png_bytes(planes_CHW)
        durable.write_bytes(place, png)
        sha256 = hashlib.sha256(png).hexdigest()
        self.ledger.note({"relpath": source.relpath, "source_sha256": digest, "sha256": sha256})
        self.fresh, self.pixels = self.fresh + 1, self.pixels + planes_CHW[0].size

    def _read(self, source: Source, data: bytes) -> U8:
        start = time.perf_counter()
        try:
            return read(data)
        except BadFile as bad:
            raise BadRecord(source.path, str(bad)) from bad
        finally:
            self.seconds += time.perf_counter() - start
