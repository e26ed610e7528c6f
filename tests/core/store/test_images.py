import io
import struct
import warnings
import zlib
from contextlib import suppress
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from PIL import Image

from railyard.core.store.images import ImageFault, ImageFile, _orientation, guarded

FILES = Path(__file__).parents[2] / "fixtures" / "images"
NOISE = np.random.default_rng(0).integers(0, 256, (12, 20, 3), np.uint8)
ADAM7 = ((0, 0, 8, 8), (4, 0, 8, 8), (0, 4, 4, 8), (2, 0, 4, 4), (0, 2, 2, 4), (1, 0, 2, 2), (0, 1, 1, 2))


def load(name):
    return ImageFile((FILES / name).read_bytes()).load()


def encoded(kind, pixels=NOISE, **keys):
    file = io.BytesIO()
    Image.fromarray(pixels).save(file, kind, **keys)
    return file.getvalue()


def exif(orientation):
    block = Image.Exif()
    block[0x0112] = orientation
    return block


def test_rows_that_are_missing_are_not_black():
    file = ImageFile((FILES / "fewer_rows.png").read_bytes())
    with pytest.raises(ImageFault, match="rows are missing"):
        file.load()


@pytest.mark.parametrize("mode", ["1", "L", "LA", "P", "RGB", "RGBA", "I;16"])
def test_whole_pngs_of_every_kind_are_taken(mode):
    file = io.BytesIO()
    Image.new(mode, (13, 7)).save(file, "PNG")
    assert ImageFile(file.getvalue()).load().size == (13, 7)


def chunk(kind, data):
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))


def interlaced(width, height, missing):
    """An Adam7 PNG of grey zeros whose compressed data lack some bytes."""
    rows = ((len(range(x, width, dx)), len(range(y, height, dy))) for x, y, dx, dy in ADAM7)
    body = bytes(sum(count * (1 + columns) for columns, count in rows if columns) - missing)
    head = chunk(b"IHDR", struct.pack(">IIBBBBB", width, height, 8, 0, 0, 0, 1))
    return b"\x89PNG\r\n\x1a\n" + head + chunk(b"IDAT", zlib.compress(body)) + chunk(b"IEND", b"")


@given(st.integers(1, 20), st.integers(1, 20))
def test_interlaced_rows_are_counted(width, height):
    assert ImageFile(interlaced(width, height, 0)).load().size == (width, height)
    with pytest.raises(ImageFault):
        ImageFile(interlaced(width, height, 1)).load()


@pytest.mark.parametrize(
    ("name", "transparent"), [("grey2_trns1.png", 64), ("grey4_trns15.png", 16), ("tbbn0g04.png", 464)]
)
def test_transparent_grey_of_few_bits(name, transparent):
    alpha = np.asarray(load(name).convert("RGBA"))[..., 3]
    assert (alpha == 0).sum() == transparent


def test_the_fourth_byte_of_a_bmp_is_alpha_where_it_varies():
    pixels = np.dstack([NOISE, np.arange(240, dtype=np.uint8).reshape(12, 20)])
    np.testing.assert_array_equal(np.asarray(ImageFile(encoded("BMP", pixels)).load()), pixels)
    assert load("rgba_pillow.bmp").mode == "RGBA"


@pytest.mark.parametrize("fourth", [0, 255])
def test_a_constant_fourth_byte_is_none(fourth):
    pixels = np.dstack([NOISE, np.full((12, 20), fourth, np.uint8)])
    assert ImageFile(encoded("BMP", pixels)).load().mode == "RGB"


def test_of_several_pictures_in_a_jpeg_the_main_one_is_taken():
    file = ImageFile((FILES / "phone_mpf.jpg").read_bytes())
    assert (file.frames, file.image.format, file.load().size) == (1, "JPEG", (64, 64))


def test_large_metadata_does_not_matter():
    assert load("big_iccp.png").size == (64, 64)


@pytest.mark.parametrize("kind", ["PNG", "WEBP"])
def test_frames_are_counted(kind):
    file = io.BytesIO()
    Image.fromarray(NOISE).save(file, kind, save_all=True, append_images=[Image.fromarray(255 - NOISE)])
    assert ImageFile(file.getvalue()).frames == 2


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP"])
@pytest.mark.parametrize("orientation", range(1, 9))
def test_the_orientation_is_read(kind, orientation):
    assert ImageFile(encoded(kind, exif=exif(orientation))).orientation == orientation


@pytest.mark.parametrize("kind", ["JPEG", "PNG", "WEBP", "BMP"])
def test_pixels_are_those_of_pillow(kind):
    data = encoded(kind, **({"exif": exif(3)} if kind != "BMP" else {}))
    with Image.open(io.BytesIO(data)) as plain:
        np.testing.assert_array_equal(np.asarray(ImageFile(data).load()), np.asarray(plain))


@given(st.binary(max_size=80), st.sampled_from([b"II*\0", b"MM\0*"]))
def test_no_exif_raises(body, order):
    assert 1 <= _orientation(order + body) <= 8


@given(st.data())
def test_mutated_files_are_images_or_faults(data):
    whole = bytearray(encoded(data.draw(st.sampled_from(["JPEG", "PNG", "WEBP", "BMP"]))))
    for _ in range(data.draw(st.integers(1, 5))):
        whole[data.draw(st.integers(0, len(whole) - 1))] = data.draw(st.integers(0, 255))
    with suppress(ImageFault):
        ImageFile(bytes(whole)).load()


def test_what_pillow_warns_of_is_no_error():
    assert guarded(lambda: warnings.warn("malformed MPO", stacklevel=1) or 3) == 3
