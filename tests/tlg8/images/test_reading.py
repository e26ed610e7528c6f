import struct
import zlib

import numpy as np
import pytest
from PIL import Image
from tlg8 import noise

from railyard.core.errors import BadRecord
from railyard.tlg8.images import reading
from railyard.tlg8.images.reading import png_bytes, read_planes

RNG = np.random.default_rng(0)


def png(width, height, depth, colour, data=b""):
    """A PNG with this head, whatever follows."""

    def chunk(kind, body):
        return struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))

    head = struct.pack(">IIBBBBB", width, height, depth, colour, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", zlib.compress(data)) + chunk(b"IEND", b"")


@pytest.mark.parametrize(
    ("suffix", "components", "options"),
    [
        ("png", 3, {}),
        ("png", 4, {}),
        ("bmp", 3, {}),
        ("webp", 3, {"lossless": True}),
        ("webp", 4, {"lossless": True, "exact": True}),
    ],
)
def test_lossless_formats_give_the_pixels(suffix, components, options, tmp_path):
    planes = noise(RNG, components)
    reading.picture_of(planes).save(tmp_path / f"a.{suffix}", **options)
    np.testing.assert_array_equal(read_planes(tmp_path / f"a.{suffix}"), planes)


def test_jpeg_gives_what_pillow_decodes(tmp_path):
    reading.picture_of(noise(RNG)).save(tmp_path / "a.jpg")
    with Image.open(tmp_path / "a.jpg") as image:
        np.testing.assert_array_equal(read_planes(tmp_path / "a.jpg"), np.asarray(image).transpose(2, 0, 1))


def test_opaque_alpha_is_dropped_and_grey_has_three_planes(tmp_path):
    planes = noise(RNG, 4)
    planes[0] = 255
    (tmp_path / "a.png").write_bytes(png_bytes(planes))
    np.testing.assert_array_equal(read_planes(tmp_path / "a.png"), planes[1:])
    Image.fromarray(planes[1]).save(tmp_path / "grey.png")
    np.testing.assert_array_equal(read_planes(tmp_path / "grey.png"), planes[[1, 1, 1]])


def test_a_transparent_colour_is_alpha(tmp_path):
    pixels = np.zeros((2, 2, 3), np.uint8)
    pixels[0, 0] = 9
    Image.fromarray(pixels).save(tmp_path / "a.png", transparency=(9, 9, 9))
    assert read_planes(tmp_path / "a.png")[0].tolist() == [[0, 255], [255, 255]]


def write_palette(path):
    Image.new("P", (4, 4)).save(path)


def write_animation(path):
    first, second = Image.new("RGB", (4, 4)), Image.new("RGB", (4, 4), "red")
    first.save(path, save_all=True, append_images=[second])


def write_truncated(path):
    path.write_bytes(png_bytes(noise(RNG, 3, 60, 60))[:400])


BAD = {
    "16 bits per channel": lambda path: path.write_bytes(png(2, 2, 16, 2, bytes(26))),
    "has a palette": write_palette,
    "is animated": write_animation,
    r"has no pixels \(0 x 4\)": lambda path: path.write_bytes(png(0, 4, 8, 2)),
    "truncated or damaged": write_truncated,
    "the file is empty": lambda path: path.write_bytes(b""),
    "this is no PNG, BMP, WebP or JPEG": lambda path: path.write_bytes(b"TLG6.0\0raw\x1a\3\0\0"),
    "too large": lambda path: path.write_bytes(png(30000, 30000, 8, 2)),
    r"too large \(9000 x 9000": lambda path: path.write_bytes(png(9000, 9000, 8, 2)),
    "colours of mode 1": lambda path: Image.new("1", (4, 4)).save(path),
}


@pytest.mark.parametrize("reason", BAD)
def test_what_cannot_be_taken_is_refused_in_one_sentence(reason, tmp_path):
    BAD[reason](tmp_path / "a.png")
    with pytest.raises(BadRecord, match=reason) as caught:
        read_planes(tmp_path / "a.png")
    assert str(caught.value).startswith(str(tmp_path / "a.png"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("form", ["PNG", "BMP", "WEBP", "JPEG"])
def test_any_truncation_is_an_image_or_refused(form, tmp_path):
    path = tmp_path / "a.png"
    reading.picture_of(noise(RNG)).save(path, form)
    data = path.read_bytes()
    refused = 0
    for end in range(0, len(data), 7):
        try:
            read_planes(path, data[:end])
        except BadRecord:
            refused += 1
    assert refused > len(data) // 7 // 2
