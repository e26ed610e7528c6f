"""Image files by Pillow, guarded: what Pillow passes over in silence is mended here or refused in one sentence.

PNG and JPEG are handed to Pillow without their metadata, so that no text, profile, EXIF block or second picture in
them can end a job; the orientation is read from EXIF by our own bounded parser first.
"""

import io
import struct
import warnings
import zlib
from collections.abc import Callable, Iterator
from functools import partial
from typing import NamedTuple, TypeVar

import numpy as np
from PIL import Image, UnidentifiedImageError

FORMATS = ("PNG", "JPEG", "BMP", "WEBP")
_PNG_MAGIC, _JPEG_MAGIC = b"\x89PNG\r\n\x1a\n", b"\xff\xd8"
_PIXEL_CHUNKS = (b"IHDR", b"PLTE", b"tRNS", b"IDAT", b"IEND")  # of PNG: what decides the pixels
_METADATA_SEGMENTS = {*range(0xE1, 0xEE), 0xEF, 0xFE}  # of JPEG: APP1 to APP15 and COM, but Adobe's colour transform
_BARE_MARKERS = {0x01, *range(0xD0, 0xD8)}  # of JPEG: segments without a length
_START_OF_SCAN = 0xDA
_CHANNELS = {0: 1, 2: 3, 3: 1, 4: 2, 6: 4}  # of PNG by colour type
_ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))
_ORIENTATION = 0x0112
_INFLATED = 2**20  # bytes at a time
# what Pillow raises on damaged bytes
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, KeyError, TypeError, struct.error, zlib.error)


Result = TypeVar("Result")


class ImageFault(ValueError):
    """Why the bytes of a file are no image that can be taken, as the end of a sentence that begins with its name."""


class PngHead(NamedTuple):
    width: int
    height: int
    depth: int  # bits per channel
    colour: int
    interlaced: int


class ImageFile:
    """An image whose head was read: `image` (pixels come with `load`), `frames`, and how EXIF wants it turned (1: as
    it is stored). Raises ImageFault.
    """

    def __init__(self, data: bytes) -> None:
        self.data, self.orientation, self.frames = data, 1, 1
        self.png: PngHead | None = None
        if data.startswith(_PNG_MAGIC):
            data = self._strip_png()
        elif data.startswith(_JPEG_MAGIC):
            data = self._strip_jpeg()
        elif data.startswith(b"RIFF"):
            self.orientation = _orientation(_webp_exif(data))
        self.image: Image.Image = guarded(lambda: Image.open(io.BytesIO(data), formats=FORMATS))
        self.frames = max(self.frames, guarded(lambda: getattr(self.image, "n_frames", 1)))

    def load(self) -> Image.Image:
        """The image with its pixels, all of which are in the file."""
        if self.png is not None:
            self._check_png_rows(self.png)
        guarded(self.image.load)
        if self.png is not None and self.png.colour == 0 and isinstance(self.image.info.get("transparency"), int):
            # Pillow scales grey of 1, 2 and 4 bits to 8, but not the grey that is transparent
            self.image.info["transparency"] *= 255 // (2 ** min(self.png.depth, 8) - 1)
        return self._with_bmp_alpha() if self.image.format == "BMP" else self.image

    def _strip_png(self) -> bytes:
        kept = [_PNG_MAGIC]
        for kind, body, whole in _png_chunks(self.data):
            if kind == b"IHDR" and len(body) == 13:
                self.png = PngHead(*struct.unpack(">IIBBxxB", body))
            elif kind == b"eXIf":
                self.orientation = _orientation(body)
            elif kind == b"acTL" and len(body) == 8:
                self.frames = struct.unpack(">I", body[:4])[0]
            if kind in _PIXEL_CHUNKS:
                kept.append(whole)
        return b"".join(kept)

    def _strip_jpeg(self) -> bytes:
        kept, end = [_JPEG_MAGIC], 2
        for marker, start, end in _jpeg_segments(self.data):
            if marker == 0xE1 and self.data[start + 4 : start + 10] == b"Exif\0\0" and self.orientation == 1:
                self.orientation = _orientation(self.data[start + 10 : end])
            if marker not in _METADATA_SEGMENTS:
                kept.append(self.data[start:end])
        return b"".join([*kept, self.data[end:]])

    def _check_png_rows(self, head: PngHead) -> None:
        """Pillow takes rows that are missing for black ones."""
        stream, found = zlib.decompressobj(), 0
        for kind, body, _ in _png_chunks(self.data):
            while kind == b"IDAT" and body and not stream.eof:
                found += len(guarded(partial(stream.decompress, body, _INFLATED)))
                body = stream.unconsumed_tail
        if found < _png_bytes(head):
            raise ImageFault("the image is truncated or damaged (rows are missing in its compressed data)")

    def _with_bmp_alpha(self) -> Image.Image:
        """32-bit BMP without masks: a fourth byte that varies is alpha, as Pillow itself writes it."""
        offset, width, height, bits, compression = _bmp_head(self.data)
        size = 4 * abs(width * height)
        if (bits, compression) != (32, 0) or len(self.data) < offset + size:
            return self.image
        alpha = np.frombuffer(self.data, np.uint8, size, offset)[3::4].reshape(abs(height), width)
        if alpha.min() == alpha.max() and alpha[0, 0] in (0, 255):
            return self.image
        turned = self.image.convert("RGBA")
        turned.putalpha(Image.fromarray(np.ascontiguousarray(alpha[::-1] if height > 0 else alpha)))
        return turned


def guarded(work: Callable[[], Result]) -> Result:
    """What Pillow does with the bytes of a stranger, its faults as ImageFault."""
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")  # of sizes, for which callers have limits, and of metadata
            return work()
    except UnidentifiedImageError:
        raise ImageFault("this is no PNG, BMP, WebP or JPEG image, or its head is damaged") from None
    except Image.DecompressionBombError as fault:
        raise ImageFault(f"the image is too large ({str(fault).split(',')[0]})") from None
    except _DAMAGE as fault:
        raise ImageFault(f"the image is truncated or damaged ({fault})") from None


def turned(orientation: int) -> str:
    """Why an image with an EXIF orientation is not taken: what is shown is not what is stored."""
    return (
        f"its EXIF orientation is {orientation}: it is shown turned or mirrored, but its pixels are stored as they "
        "lie; turn the pixels and drop the tag first (for instance with `mogrify -auto-orient`)"
    )


def _png_chunks(data: bytes) -> Iterator[tuple[bytes, bytes, bytes]]:
    """Kind, body and all bytes of each chunk, up to the end or to where the file is cut."""
    place = len(_PNG_MAGIC)
    while place + 8 <= len(data):
        length, kind = struct.unpack_from(">I4s", data, place)
        yield kind, data[place + 8 : place + 8 + length], data[place : place + 12 + length]
        place += 12 + length


def _png_bytes(head: PngHead) -> int:
    """Bytes of all rows of a PNG before compression, each with its filter."""
    channels = _CHANNELS.get(head.colour, 1)

    def of(width: int, height: int) -> int:
        return height * (1 + -(-width * channels * head.depth // 8)) if width and height else 0

    if not head.interlaced:
        return of(head.width, head.height)
    sizes = ((-(-(head.width - x) // dx), -(-(head.height - y) // dy)) for x, y, dx, dy in _ADAM7)
    return sum(of(max(0, width), max(0, height)) for width, height in sizes)


def _jpeg_segments(data: bytes) -> Iterator[tuple[int, int, int]]:
    """Marker, start and end of each segment before the scan."""
    place = len(_JPEG_MAGIC)
    while place + 4 <= len(data) and data[place] == 0xFF and data[place + 1] != _START_OF_SCAN:
        marker = data[place + 1]
        size = 0 if marker in _BARE_MARKERS else struct.unpack_from(">H", data, place + 2)[0]
        if marker == 0xFF:  # a fill byte
            yield marker, place, place + 1
            place += 1
            continue
        yield marker, place, min(place + 2 + size, len(data))
        place += 2 + size


def _webp_exif(data: bytes) -> bytes:
    place = 12
    while place + 8 <= len(data):
        kind, size = struct.unpack_from("<4sI", data, place)
        if kind == b"EXIF":
            return data[place + 8 : place + 8 + size].removeprefix(b"Exif\0\0")
        place += 8 + size + size % 2
    return b""


def _orientation(exif: bytes) -> int:
    """The orientation in an EXIF block, 1 to 8; 1 where it has none or cannot be read."""
    order = {b"II*\0": "<", b"MM\0*": ">"}.get(exif[:4])
    if order is None or len(exif) < 8:
        return 1
    start = struct.unpack_from(f"{order}I", exif, 4)[0]
    if start + 2 > len(exif):
        return 1
    for entry in range(start + 2, start + 2 + 12 * struct.unpack_from(f"{order}H", exif, start)[0], 12):
        if entry + 12 > len(exif):
            return 1
        tag, kind, _, value = struct.unpack_from(f"{order}HHIH", exif, entry)
        if (tag, kind) == (_ORIENTATION, 3):
            return value if 1 <= value <= 8 else 1
    return 1


def _bmp_head(data: bytes) -> tuple[int, int, int, int, int]:
    """Offset of the pixels, width, height (below 0: from the top), bits a pixel, compression."""
    if len(data) < 34 or struct.unpack_from("<I", data, 14)[0] < 40:
        return 0, 0, 0, 0, 0
    offset = struct.unpack_from("<I", data, 10)[0]
    width, height, _, bits, compression = struct.unpack_from("<iiHHI", data, 18)
    return offset, width, height, bits, compression
