"""Headers are read as NumPy reads them, refused in one sentence, and patched without moving the rows."""

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.lib import recfunctions

from railyard.core.errors import UserError
from railyard.core.store.npy import header, read_header

FIELDS = [("run_id", "<u4"), ("board", "<u8"), ("move", "u1"), ("evs", "<f4", (4,))]
ROW = np.dtype(FIELDS)


def written(path: Path, rows: np.ndarray[Any, Any], **options: Any) -> Path:
    np.save(path, rows, **options)
    return path


def message_for(path: Path, dtype: np.dtype[Any] = ROW) -> str:
    with pytest.raises(UserError) as caught:
        read_header(path, dtype)
    message = str(caught.value)
    assert message.startswith(str(path))
    assert "\n" not in message
    return message


@pytest.mark.parametrize("dtype", [ROW, np.dtype("<f4"), np.dtype("u1"), np.dtype(("<f4", (4, 35)))])
@pytest.mark.parametrize("rows", [0, 1, 300, 10**18])
def test_numpy_reads_our_headers(dtype: np.dtype[Any], rows: int) -> None:
    data = header(dtype, rows)
    file = io.BytesIO(data)
    assert np.lib.format.read_magic(file) == (1, 0)
    shape, fortran_order, found = np.lib.format.read_array_header_1_0(file)
    assert (shape, fortran_order, found) == ((rows, *dtype.shape), False, dtype.base)
    assert file.read() == b""
    assert data.endswith(b" \n")
    assert len(data) % 64 == 0


def test_the_length_of_a_header_does_not_depend_on_the_rows() -> None:
    assert len({len(header(ROW, rows)) for rows in (0, 9, 10**6, 10**19 - 1)}) == 1


def test_bytes_are_named_as_numpy_names_them() -> None:
    assert b"('move', '|u1')" in header(ROW, 1)


@pytest.mark.parametrize("version", [(1, 0), (2, 0), (3, 0)])
def test_all_versions_of_the_format_are_read(tmp_path: Path, version: tuple[int, int]) -> None:
    path = tmp_path / "x.npy"
    with path.open("wb") as file:
        np.lib.format.write_array(file, np.zeros(5, ROW), version)
    assert read_header(path, ROW) == (5, path.stat().st_size - 5 * ROW.itemsize)


def test_headers_of_npyz_are_read(tmp_path: Path) -> None:
    text = "{'descr': [('a', '<u1'), ('b', '<u4'), ], 'fortran_order': False, 'shape': (3,), }" + " " * 19 + "\n"
    path = tmp_path / "x.npy"
    path.write_bytes(b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text.encode() + bytes(15))
    assert read_header(path, np.dtype([("a", "u1"), ("b", "<u4")])) == (3, 10 + len(text))


@pytest.mark.parametrize(
    ("fields", "told"),
    [
        (
            [FIELDS[0], ("bord", "<u8"), *FIELDS[2:]],
            "has 'bord' as field 2, expected 'board': the fields must be run_id,",
        ),
        ([FIELDS[1], FIELDS[0], *FIELDS[2:]], "has 'board' as field 1, expected 'run_id'"),
        (FIELDS[:3], "ends after field 3, expected 'evs'"),
        ([*FIELDS, ("more", "u1")], "has 'more' as field 5, expected no further field"),
        ([FIELDS[0], ("board", "<i8"), *FIELDS[2:]], "has the field 'board' as int64, expected uint64"),
        ([FIELDS[0], ("board", ">u8"), *FIELDS[2:]], "has the field 'board' as >u8, expected uint64"),
        ([*FIELDS[:3], ("evs", "<f4", (3,))], "has the field 'evs' as ('<f4', (3,)), expected ('<f4', (4,))"),
    ],
)
def test_the_first_field_that_differs_is_named(tmp_path: Path, fields: list[Any], told: str) -> None:
    assert told in message_for(written(tmp_path / "x.npy", np.zeros(2, fields)))


def test_rows_with_gaps_are_refused_with_the_remedy(tmp_path: Path) -> None:
    aligned = np.zeros(2, np.dtype(FIELDS, align=True))
    path = written(tmp_path / "x.npy", aligned)
    message = message_for(path)
    assert "has rows of 40 bytes with gaps (NumPy's align=True), expected 29 bytes" in message
    np.save(path, recfunctions.repack_fields(aligned))
    assert read_header(path, ROW)[0] == 2


def test_simple_and_structured_rows_are_told_apart(tmp_path: Path) -> None:
    assert "holds float64, expected rows with the fields run_id, board, move, evs" in message_for(
        written(tmp_path / "x.npy", np.zeros(2))
    )
    assert "holds float64, expected float32" in message_for(tmp_path / "x.npy", np.dtype("<f4"))


@pytest.mark.parametrize("dtype", [object, [("run_id", "<u4"), ("board", object)]])
def test_pickled_objects_are_never_read(tmp_path: Path, dtype: Any) -> None:
    path = written(tmp_path / "x.npy", np.zeros(2, dtype), allow_pickle=True)
    assert "holds pickled Python objects, which are never read" in message_for(path)


@pytest.mark.parametrize("shape", [(), (3, 4), (3, 4, 36), (4, 35)])
def test_another_shape_is_refused(tmp_path: Path, shape: tuple[int, ...]) -> None:
    message = message_for(written(tmp_path / "x.npy", np.zeros(shape, "<f4")), np.dtype(("<f4", (4, 35))))
    assert f"holds an array of shape {shape}, expected (rows, 4, 35)" in message


def test_fortran_order_is_refused(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npy", np.zeros((3, 4), "<f4", order="F"))
    assert "is in Fortran order" in message_for(path, np.dtype(("<f4", (4,))))


def test_a_truncated_file_is_told_with_both_sizes(tmp_path: Path) -> None:
    path = written(tmp_path / "x.npy", np.zeros(5, ROW))
    whole = path.stat().st_size
    path.write_bytes(path.read_bytes()[:-1])
    assert f"is truncated: its header speaks of 5 rows, which take {whole} bytes, but the file has {whole - 1}" in (
        message_for(path)
    )


def npy_with(text: bytes) -> bytes:
    return b"\x93NUMPY\x01\x00" + len(text).to_bytes(2, "little") + text


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"\x93NUM",
        b"PK\x03\x04 a zip file",
        b"\x93NUMPY\x01\x00\xff\xff{",
        npy_with(b"-" * 9000 + b"1\n"),
        npy_with(b"(" * 9000 + b"\n"),
        npy_with(b"{b'descr': 'u1', 'fortran_order': False, 'shape': (1,)}\n"),
        npy_with(b"{'descr': 'u1', 'fortran_order': False, 'shape': (1, }\n"),
    ],
)
@pytest.mark.filterwarnings("ignore:Reading .* additional header parsing")  # NumPy's second attempt
def test_other_files_are_refused(tmp_path: Path, data: bytes) -> None:
    (tmp_path / "x.npy").write_bytes(data)
    assert "is not a readable .npy file" in message_for(tmp_path / "x.npy")


WHOLE = header(ROW, 2) + bytes(2 * ROW.itemsize)


@pytest.mark.filterwarnings("ignore:Reading .* additional header parsing")  # NumPy's second attempt
@settings(max_examples=300, deadline=None)
@given(st.dictionaries(st.integers(0, len(header(ROW, 2)) - 1), st.integers(0, 255), min_size=1, max_size=3))
def test_a_damaged_header_is_read_or_refused(
    tmp_path_factory: pytest.TempPathFactory, bytes_at: dict[int, int]
) -> None:
    damaged = bytearray(WHOLE)
    for position, value in bytes_at.items():
        damaged[position] = value
    path = tmp_path_factory.getbasetemp() / "damaged.npy"
    path.write_bytes(damaged)
    try:
        rows, offset = read_header(path, ROW)
    except UserError:
        return
    assert offset + rows * ROW.itemsize <= len(WHOLE)


def test_a_link_to_nothing_is_one_sentence(tmp_path):
    (tmp_path / "a.npy").symlink_to("nowhere")
    with pytest.raises(UserError, match=r"a\.npy is not a readable .npy file"):
        read_header(tmp_path / "a.npy", np.dtype("<i8"))
