import pytest
import tlg8_fuzz

from railyard.tlg8.codec.file import read
from railyard.tlg8.codec.file_header import BadFile


@pytest.mark.slow
def test_every_truncation_is_refused_and_2000_mutations_are_refused_or_decoded():
    report = tlg8_fuzz.run_apart(2000, seed=7)
    assert report["truncations"].keys().isdisjoint({"image"})
    assert sum(report["mutations"].values()) == 2000
    # the damage reaches all that the reader tells apart
    assert len(report["mutations"]) > 15


@pytest.mark.parametrize(
    ("data", "message"),
    [
        (b"", "the file ends within its header, after 0 of 225 bytes"),
        (b"TLG8.0\0raw\x1a\x03", "the file ends within its header, after 12 of 225 bytes"),
        (b"TLG6.0\0raw\x1a\x03" + bytes(300), "this is a TLG file of version 6.0; only TLG8.0 can be read"),
        (b"TLG0.0\0sds\x1a" + bytes(300), "this is a TLG file of version 0.0; only TLG8.0 can be read"),
        (b"\x89PNG\r\n" + bytes(300), "this is no TLG8 file: it does not begin with TLG8.0 and raw"),
    ],
)
def test_what_is_no_tlg8_file_is_named(data, message):
    with pytest.raises(BadFile) as caught:
        read(data)
    assert str(caught.value) == message
