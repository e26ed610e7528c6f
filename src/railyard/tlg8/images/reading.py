"""Image files to planes and back, by Pillow: PNG, BMP, WebP and JPEG in, PNG out.

planes: uint8 [C, H, W], R, G, B, or A, R, G, B where any pixel is not opaque. What cannot be taken as it is
(more than 8 bits, a palette, several frames) is refused in one sentence rather than converted.
"""

import io
import struct
from pathlib import Path

import numpy as np
from PIL import Image

from railyard.core.arrays import U8
from railyard.core.errors import BadRecord
from railyard.core.store.images import ImageFault, ImageFile, turned
from railyard.core.store.reading import read_bytes
from railyard.tlg8.codec.file import MAX_PIXELS

FORMATS = {".png": "PNG", ".bmp": "BMP", ".webp": "WEBP", ".jpg": "JPEG", ".jpeg": "JPEG"}
OPAQUE = 255

_MODES = ("RGB", "RGBA", "L", "LA")
_CONVERTED = {"RGB": "RGB", "L": "RGB", "RGBA": "RGBA", "LA": "RGBA"}  # grey as three equal planes
_PNG_DEPTH = slice(24, 25)  # Pillow takes 16 bits of colour for 8 without a word
_PNG_MAGIC = b"\x89PNG\r\n\x1a\n"
_PNG_SIZE = struct.Struct(">II")


def read_planes(path: Path, data: bytes | None = None) -> U8:
    """The planes of an image file; BadRecord says what is wrong with it. `data`: its bytes, if read already."""
    try:
        data = read_bytes(path) if data is None else data
        _check_head(path, data)
        file = ImageFile(data)
        _check(path, file)
        return planes_of(file.load())
    except OSError as error:
        raise BadRecord(path, f"the file cannot be read ({error.strerror})") from None
    except ImageFault as fault:
        raise BadRecord(path, str(fault)) from None


def planes_of(image: Image.Image) -> U8:
    """Planes of a picture of mode RGB, RGBA, L or LA; a transparent colour counts as alpha."""
    mode = "RGBA" if "transparency" in image.info else _CONVERTED[image.mode]
    pixels_HWC = np.asarray(image.convert(mode))
    if mode == "RGBA":
        has_alpha = (pixels_HWC[..., 3] != OPAQUE).any()
        pixels_HWC = pixels_HWC[..., [3, 0, 1, 2]] if has_alpha else pixels_HWC[..., :3]
    return np.ascontiguousarray(pixels_HWC.transpose(2, 0, 1))


def picture_of(planes_CHW: U8) -> Image.Image:
    """The Pillow image of planes, RGB or RGBA."""
    order = [0, 1, 2] if len(planes_CHW) == 3 else [1, 2, 3, 0]
    return Image.fromarray(np.ascontiguousarray(planes_CHW[order].transpose(1, 2, 0)))


def png_bytes(planes_CHW: U8) -> bytes:
    """A PNG of planes."""
    file = io.BytesIO()
    picture_of(planes_CHW).save(file, "PNG")
    return file.getvalue()


def _check_head(path: Path, data: bytes) -> None:
    if not data:
        raise BadRecord(path, "the file is empty")
    if not data.startswith(_PNG_MAGIC) or len(data) < _PNG_DEPTH.stop:
        return
    if data[_PNG_DEPTH] == b"\x10":
        raise BadRecord(path, "16 bits per channel; the codec has 8: save it with 8 bits first")
    if 0 in _PNG_SIZE.unpack_from(data, 16):
        raise BadRecord(path, _no_pixels(*_PNG_SIZE.unpack_from(data, 16)))


def _check(path: Path, file: ImageFile) -> None:
    image = file.image
    width, height = image.size
    if width == 0 or height == 0:
        raise BadRecord(path, _no_pixels(width, height))
    if width * height > MAX_PIXELS:
        raise BadRecord(path, _too_large(f"{width} x {height} pixels"))
    if file.orientation != 1:
        raise BadRecord(path, turned(file.orientation))
    if file.frames > 1:
        raise BadRecord(path, "the image is animated; the codec holds one picture: save its frames one by one")
    if image.mode in ("P", "PA"):
        raise BadRecord(path, "the image has a palette; the codec holds colours: save it as RGB or RGBA first")
    if image.mode.startswith("I") or image.mode == "F":
        raise BadRecord(path, f"more than 8 bits per channel (mode {image.mode}): save it with 8 bits first")
    if image.mode not in _MODES:
        raise BadRecord(path, f"colours of mode {image.mode}; RGB, RGBA and grey can be taken: save it as RGB first")


def _no_pixels(width: int, height: int) -> str:
    return f"the image has no pixels ({width} x {height}): leave it out"


def _too_large(found: str) -> str:
    return f"the image is too large ({found}); at most {MAX_PIXELS:,} pixels are taken: cut it into pieces first"
