import io
import os

import numpy as np
import pytest
from PIL import Image

from railyard.stage2.scenes import pictures
from railyard.stage2.scenes.pictures import fed, picture_of, png, size_of
from railyard.stage2.scenes.resize import MAX_PIXELS

NOISE = np.random.default_rng(0).integers(0, 256, (64, 96, 3), np.uint8)


def save(path, pixels=NOISE, **keys):
    Image.fromarray(pixels).save(path, **keys)
    return path


def test_an_image_that_fits_is_copied(tmp_path):
    for name in ("a.png", "a.jpg"):
        path = save(tmp_path / name)
        image = fed(path, (96, 64), MAX_PIXELS)
        assert (image.data, image.suffix, image.is_copy) == (path.read_bytes(), path.suffix, True)


@pytest.mark.parametrize(("name", "kind"), [("a.png", "PNG"), ("a.jpg", "JPEG"), ("a.bmp", "PNG"), ("a.webp", "PNG")])
def test_an_image_that_does_not_fit_is_resized(tmp_path, name, kind):
    path = save(tmp_path / name, np.full((64, 200, 3), 90, np.uint8))
    image = fed(path, (200, 64), 96 * 64)
    with Image.open(io.BytesIO(image.data)) as written:
        assert written.size == (image.width, image.height) == (128, 32)
        assert written.format == kind
        assert abs(np.asarray(written).astype(int) - 90).max() <= 2
    assert not image.is_copy


def test_a_turned_photograph_is_refused(tmp_path):
    exif = Image.Exif()
    exif[0x0112] = 6
    with pytest.raises(ValueError, match="EXIF orientation is 6"):
        fed(save(tmp_path / "a.jpg", exif=exif), (96, 64), MAX_PIXELS)


def test_a_transparent_palette_is_taken_by_its_colours(tmp_path):
    Image.new("P", (64, 64)).save(tmp_path / "a.png", transparency=bytes([128]) * 256)
    assert picture_of(tmp_path / "a.png").getpixel((0, 0)) == (0, 0, 0)
    with Image.open(io.BytesIO(fed(tmp_path / "a.png", (64, 64), 32 * 32).data)) as written:
        assert (written.mode, written.getpixel((0, 0))) == ("RGB", (0, 0, 0))


def test_what_cannot_be_fed(tmp_path):
    whole = save(tmp_path / "a.png").read_bytes()
    (tmp_path / "torn.png").write_bytes(whole[: len(whole) // 2])
    (tmp_path / "text.png").write_text("text")
    save(tmp_path / "deep.png", np.zeros((64, 64), np.uint16))
    save(tmp_path / "strip.png", np.zeros((1, 201, 3), np.uint8))
    for name, size, says in [
        ("none.png", (9, 9), "none.png is missing"),
        ("torn.png", (96, 64), "truncated or damaged"),
        ("text.png", (9, 9), "text.png: this is no PNG, BMP, WebP or JPEG"),
        ("deep.png", (64, 64), "more than 8 bits"),
        ("strip.png", (201, 1), "more than 200 times the other"),
        ("a.png", (64, 96), "the record says 64 x 96, the image .* has 96 x 64"),
    ]:
        with pytest.raises(ValueError, match=says) as fault:
            fed(tmp_path / name, size, MAX_PIXELS)
        assert "\n" not in str(fault.value)


def test_a_bomb_is_refused(tmp_path, monkeypatch):
    path = save(tmp_path / "a.png")
    monkeypatch.setattr(pictures, "MOST_PIXELS", 4000)
    with pytest.raises(ValueError, match="too large: at most 4,000 pixels"):
        fed(path, (96, 64), MAX_PIXELS)


def test_sizes_and_pixels_are_read(tmp_path):
    path = tmp_path / "a.png"
    path.write_bytes(png(Image.fromarray(NOISE)))
    assert size_of(path) == (96, 64)
    assert (np.asarray(picture_of(path)) == NOISE).all()


def test_a_pipe_is_no_image(tmp_path):
    os.mkfifo(tmp_path / "a.png")
    with pytest.raises(ValueError, match=r"a\.png: it is not a regular file"):
        pictures.size_of(tmp_path / "a.png")
