"""Image files: their sizes, as bytes of PNG, and as they are fed to a model."""

import io
import struct
import warnings
import zlib
from pathlib import Path
from typing import IO, NamedTuple

from PIL import Image, UnidentifiedImageError

from railyard.stage2.scenes.image_names import is_there
from railyard.stage2.scenes.resize import smart_resize

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "WEBP": ".webp"}
KEPT = ("PNG", "JPEG")  # copied as they are where their size fits; what is written anew is one of these
# run lengths only: for photographs and for flat colours smaller and faster than level 1 with matches
PNG = {"compress_level": 1, "compress_type": zlib.Z_RLE}
QUALITY = 95  # of JPEG
ORIENTATION = 0x0112  # of EXIF; records speak of the pixels as stored
# what Pillow raises on damaged bytes
_DAMAGE = (OSError, SyntaxError, ValueError, EOFError, IndexError, struct.error, zlib.error)


class MissingImage(ValueError):
    """There is no such file."""


class Fed(NamedTuple):
    """An image file at the size it is fed: its bytes, the ending of its name, and whether it is the source's own."""

    data: bytes
    suffix: str
    width: int
    height: int
    is_copy: bool


def png(picture: Image.Image) -> bytes:
    """A picture as the bytes of a PNG file."""
    return _encoded(picture, "PNG")


def size_of(path: Path) -> tuple[int, int]:
    """Width and height in the head of an image file; ValueError if it has none."""
    try:
        with path.open("rb") as file:
            return _opened(path, file).size
    except OSError as error:
        raise ValueError(f"the image {path} cannot be read ({error.strerror})") from error


def picture_of(path: Path) -> Image.Image:
    """An image file as RGB; ValueError, one sentence, if it cannot be taken."""
    return _rgb(_loaded(path, io.BytesIO(_bytes_of(path))))


def fed(path: Path, size: tuple[int, int], max_pixels: int) -> Fed:
    """The image at `path`, of which a record says that it is width x height, at the size it is fed.

    ValueError, one sentence, if it is missing, damaged, of another size or too long a strip.
    """
    data = _bytes_of(path)
    image = _loaded(path, io.BytesIO(data))
    if image.size != size:
        raise ValueError(f"the record says {size[0]} x {size[1]}, the image {path} has {image.width} x {image.height}")
    height, width = smart_resize(image.height, image.width, max_pixels)
    kind = image.format if image.format in KEPT else "PNG"
    is_copy = (width, height) == size and kind == image.format and image.getexif().get(ORIENTATION, 1) == 1
    if not is_copy:
        data = _encoded(_rgb(image).resize((width, height), Image.Resampling.BICUBIC), kind)
    return Fed(data, FORMATS[kind], width, height, is_copy)


def _bytes_of(path: Path) -> bytes:
    if not is_there(path):
        raise MissingImage(f"the image {path} is missing")
    try:
        return path.read_bytes()
    except OSError as error:
        raise ValueError(f"the image {path} cannot be read ({error.strerror})") from error


def _rgb(image: Image.Image) -> Image.Image:
    """What is transparent gets the colour stored for it; a palette goes by way of RGBA, else Pillow warns."""
    return (image.convert("RGBA") if image.mode == "P" else image).convert("RGB")


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **(PNG if kind == "PNG" else {"quality": QUALITY}))
    return file.getvalue()


def _opened(path: Path, file: IO[bytes]) -> Image.Image:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return Image.open(file, formats=list(FORMATS))
    except UnidentifiedImageError as error:
        raise ValueError(f"{path} is no PNG, JPEG, BMP or WebP image, or its head is damaged") from error
    except (Image.DecompressionBombError, Image.DecompressionBombWarning) as error:
        raise ValueError(f"the image {path} is too large: at most {Image.MAX_IMAGE_PIXELS:,} pixels") from error
    except _DAMAGE as error:
        raise ValueError(f"the head of the image {path} is damaged ({error})") from error


def _loaded(path: Path, file: IO[bytes]) -> Image.Image:
    image = _opened(path, file)
    if image.mode.startswith("I") or image.mode == "F":
        raise ValueError(f"the image {path} has more than 8 bits a channel (mode {image.mode}): save it with 8")
    try:
        image.load()
    except _DAMAGE as error:
        raise ValueError(f"the image {path} is truncated or damaged ({error})") from error
    return image
