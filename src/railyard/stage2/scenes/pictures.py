"""Image files: their sizes, as bytes of PNG, and as they are fed to a model."""

import io
import zlib
from pathlib import Path
from typing import NamedTuple

from PIL import Image

from railyard.core.errors import BadRecord
from railyard.core.store.images import ImageFault, ImageFile, guarded, turned
from railyard.core.store.reading import open_regular, read_bytes
from railyard.stage2.scenes.image_names import is_there
from railyard.stage2.scenes.resize import smart_resize

FORMATS = {"PNG": ".png", "JPEG": ".jpg", "BMP": ".bmp", "WEBP": ".webp"}
KEPT = ("PNG", "JPEG")  # copied as they are where their size fits; what is written anew is one of these
# run lengths only: for photographs and for flat colours smaller and faster than level 1 with matches
PNG = {"compress_level": 1, "compress_type": zlib.Z_RLE}
QUALITY = 95  # of JPEG
MOST_PIXELS = 89_478_485  # of an image before it is resized


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
    """Width and height in the header of an image file; ValueError if it has none."""
    try:
        with open_regular(path) as file:
            return guarded(lambda: Image.open(file, formats=list(FORMATS)).size)
    except BadRecord as bad:
        raise ValueError(f"the image {path}: {bad.reason}") from None
    except OSError as error:
        raise ValueError(f"the image {path} cannot be read ({error.strerror})") from error
    except ImageFault as fault:
        raise ValueError(f"the image {path}: {fault}") from None


def picture_of(path: Path) -> Image.Image:
    """An image file as RGB; ValueError, one sentence, if it cannot be taken."""
    return _rgb(_loaded(path, _bytes_of(path)))


def fed(path: Path, size: tuple[int, int], max_pixels: int) -> Fed:
    """The image at `path`, which its record declares as `size` (width, height), at the size it is fed.

    ValueError, one sentence, if it is missing, damaged, of another size, turned by EXIF or too long a strip.
    """
    data = _bytes_of(path)
    image = _loaded(path, data)
    if image.size != size:
        raise ValueError(f"the record says {size[0]} x {size[1]}, the image {path} has {image.width} x {image.height}")
    height, width = smart_resize(image.height, image.width, max_pixels)
    kind = image.format if image.format in KEPT else "PNG"
    is_copy = (width, height) == size and kind == image.format
    if not is_copy:
        data = _encoded(_rgb(image).resize((width, height), Image.Resampling.BICUBIC), kind)
    return Fed(data, FORMATS[kind], width, height, is_copy)


def _bytes_of(path: Path) -> bytes:
    if not is_there(path):
        raise MissingImage(f"the image {path} is missing")
    try:
        return read_bytes(path)
    except BadRecord as bad:
        raise ValueError(f"the image {path}: {bad.reason}") from None
    except OSError as error:
        raise ValueError(f"the image {path} cannot be read ({error.strerror})") from error


def _rgb(image: Image.Image) -> Image.Image:
    """What is transparent gets the colour stored for it; a palette goes by way of RGBA, else Pillow warns."""
    return (image.convert("RGBA") if image.mode == "P" else image).convert("RGB")


def _encoded(picture: Image.Image, kind: str) -> bytes:
    file = io.BytesIO()
    picture.save(file, kind, **(PNG if kind == "PNG" else {"quality": QUALITY}))
    return file.getvalue()


def _loaded(path: Path, data: bytes) -> Image.Image:
    try:
        file = ImageFile(data)
        image = file.image
        if image.width * image.height > MOST_PIXELS:
            raise ImageFault(f"too large: at most {MOST_PIXELS:,} pixels are taken")
        if image.mode.startswith("I") or image.mode == "F":
            raise ImageFault(f"it has more than 8 bits a channel (mode {image.mode}): save it with 8")
        if file.orientation != 1:
            raise ImageFault(turned(file.orientation))
        return file.load()
    except ImageFault as fault:
        raise ValueError(f"the image {path}: {fault}") from None
