import numpy as np
import pytest
from tlg8 import encoded

from railyard.tlg8.codec.file_header import HEADER_BYTES, TABLE_START, BadFile, Header, read_header, write_header
from railyard.tlg8.codec.golomb import TABLE


def test_the_header_of_the_reference():
    header = read_header(encoded("sylvie_green"))
    assert header[:3] == (456, 700, 4)
    np.testing.assert_array_equal(header.table, TABLE)
    assert write_header(header) == encoded("sylvie_green")[:HEADER_BYTES]


def damaged(at, new):
    data = bytearray(write_header(Header(5, 7, 3, TABLE)))
    data[at : at + len(new)] = new
    return bytes(data)


@pytest.mark.parametrize(
    ("at", "new", "message"),
    [
        (11, b"\x01", "the header announces 1 colour planes; an image has 3 or, with alpha, 4"),
        (12, b"\x02", "bytes 12 to 16 of the header are not those of TLG8.0 with a Golomb table of 176 bytes"),
        (17, b"\x00\x10", "tiles of 4096 x 80 pixels; only 8192 x 80 is known"),
        (33, b"\x00", "the header says that the image has 0 x 7 pixels"),
        (TABLE_START + 2, b"\x11", "row 0 of the Golomb table has the weights 12 and 17; 16 is the most"),
        (TABLE_START + 26, b"\x03", "the counts in row 1 of the Golomb table sum to 1025 instead of 1024"),
    ],
)
def test_each_fault_has_its_sentence(at, new, message):
    with pytest.raises(BadFile) as caught:
        read_header(damaged(at, new))
    assert str(caught.value) == message


def test_a_files_own_table_decodes_it():
    table = TABLE.copy()
    table[0] = [16, 0, 1024, *[0] * 8]
    np.testing.assert_array_equal(read_header(write_header(Header(1, 1, 4, table))).table, table)
