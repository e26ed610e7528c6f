import numpy as np
import pytest
from tlg8 import encoded, noise, save

from railyard.apps.show import artifact_at
from railyard.core.errors import BadRecord, UserError
from railyard.tlg8.codec.file import read
from railyard.tlg8.codec.selectors import Gated, Staged
from railyard.tlg8.images.decoding import decode
from railyard.tlg8.images.describe import describe_file, describe_folder
from railyard.tlg8.images.encoding import encode
from railyard.tlg8.images.encoding_table import table
from railyard.tlg8.images.reading import read_planes

FAST = Staged(n=1, m=1, entropy="plain")


@pytest.fixture
def art(tmp_path):
    rng = np.random.default_rng(7)
    save(tmp_path / "art" / "a.png", noise(rng))
    save(tmp_path / "art" / "sub" / "b.png", noise(rng, 4))
    return tmp_path / "art"


def test_a_folder_comes_back_with_its_subfolders(art, tmp_path):
    result = encode(art, tmp_path / "out", FAST)
    decoded = decode(tmp_path / "out", tmp_path / "back")
    assert (result["encoded"], decoded["decoded"]) == (2, 2)
    for name in ("a.png", "sub/b.png"):
        np.testing.assert_array_equal(read_planes(tmp_path / "back" / name), read_planes(art / name))


def test_a_row_says_what_it_took(art, tmp_path):
    result = encode(art, tmp_path / "out", FAST)
    row, total = result["images"][0], result["total"]
    assert row["bytes"] == (tmp_path / "out" / "a.tlg8").stat().st_size
    assert row["png_bytes"] == (art / "a.png").stat().st_size
    assert row["evaluations"] == 12 * FAST.evaluations
    assert total["bytes"] == sum(row["bytes"] for row in result["images"])
    assert total["webp_bytes"] > 0
    head, *_, last, summary = table(result).splitlines()
    assert head.split() == ["image", "MP", "s/MP", "bytes", "of", "PNG", "of", "WebP", "WebP", "s/MP"]
    assert last.split()[3] == f"{total['bytes']:,}"
    assert summary.startswith("2 encoded, 0 done before, 0 skipped")


def test_what_stands_with_the_same_settings_is_not_encoded_again(art, tmp_path):
    first = encode(art, tmp_path / "out", FAST, compare=False)
    (tmp_path / "out" / "a.tlg8").write_bytes(b"damaged")
    save(art / "c.png", noise(np.random.default_rng(8)))
    again = encode(art, tmp_path / "out", FAST, compare=False)
    assert again["encoded"] == 2
    assert again["images"][1:2] == first["images"][1:2] or again["images"][2] == first["images"][1]
    assert len(read((tmp_path / "out" / "a.tlg8").read_bytes())) == 3
    assert "webp_bytes" in encode(art, tmp_path / "out", FAST)["images"][0]


def test_other_settings_and_occupied_places_are_refused(art, tmp_path):
    encode(art, tmp_path / "out", FAST, compare=False)
    with pytest.raises(UserError, match="choose another out="):
        encode(art, tmp_path / "out", Gated(), compare=False)
    with pytest.raises(UserError, match="choose another out="):
        decode(tmp_path / "out", tmp_path / "out")
    with pytest.raises(UserError, match="exists and is not a folder of encoded images"):
        encode(art, art, FAST)


def test_a_bad_image_stops_or_is_left_out(art, tmp_path):
    (art / "bad.png").write_bytes(b"")
    with pytest.raises(BadRecord, match=r"bad\.png: the file is empty"):
        encode(art, tmp_path / "out", FAST, compare=False)
    result = encode(art, tmp_path / "out", FAST, compare=False, on_error="skip")
    assert result["skipped"] == [{"file": "bad.png", "reason": "the file is empty"}]
    assert "skipped bad.png: the file is empty" in table(result)


@pytest.mark.parametrize(
    ("data", "reason"),
    [
        (b"TLG5.0\0raw\x1a\3", "a TLG file of version 5.0"),
        (b"TLG0.0\0sds\x1a", "a TLG file of version 0.0"),
        (encoded("sylvie_green")[:5000], "tile 1: the file ends"),
        (b"", "the file ends within its header"),
        (b"no image" * 40, "this is no TLG8 file"),
    ],
)
def test_files_that_cannot_be_decoded_are_named(data, reason, tmp_path):
    (tmp_path / "in").mkdir()
    (tmp_path / "in" / "a.tlg8").write_bytes(data)
    with pytest.raises(BadRecord, match=reason):
        decode(tmp_path / "in", tmp_path / "out")
    result = decode(tmp_path / "in", tmp_path / "out", on_error="skip")
    assert (result["decoded"], [skipped["file"] for skipped in result["skipped"]]) == (0, ["a.tlg8"])
    with pytest.raises(UserError, match=reason):
        describe_file(tmp_path / "in" / "a.tlg8")


def test_a_file_is_described(art, tmp_path):
    encode(art, tmp_path / "out", FAST, compare=False)
    facts = describe_file(tmp_path / "out" / "sub" / "b.tlg8")
    assert (facts["width"], facts["height"], facts["components"], facts["blocks"]) == (26, 20, 4, 12)
    assert facts["shares"]["entropy"] == {0: 1.0}


def test_a_folder_of_files_is_described_with_those_that_cannot_be_decoded(art, tmp_path):
    encode(art, tmp_path / "out", FAST, compare=False)
    (tmp_path / "out" / "bad.tlg8").write_bytes(b"TLG8.0")
    assert artifact_at(tmp_path / "out").name == "a folder of .tlg8 files"
    facts, one = describe_folder(tmp_path / "out"), describe_file(tmp_path / "out" / "sub" / "b.tlg8")
    assert (facts["files"], facts["shares"]["entropy"]) == (3, {0: 1.0})
    assert facts["blocks"] > one["blocks"]
    assert [text.partition(":")[0] for text in facts["damaged"]] == [str(tmp_path / "out" / "bad.tlg8")]


def test_a_name_that_is_too_long_is_one_bad_file(art, tmp_path):
    save(art / ("n" * 251 + ".png"), noise(np.random.default_rng(9)))
    result = encode(art, tmp_path / "out", FAST, compare=False, on_error="skip")
    assert (result["encoded"], result["skipped"][0]["reason"]) == (2, "File name too long")
