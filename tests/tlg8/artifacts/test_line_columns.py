import json

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from tlg8 import reference_lines

from railyard.core.errors import BadRecord
from railyard.tlg8.artifacts import line_columns, line_records
from railyard.tlg8.artifacts.block_columns import PROJECTED, VALUES, Columns, starts
from railyard.tlg8.artifacts.line_columns import read_columns

EVERYTHING = ["pixels", *PROJECTED, *VALUES]
LINES = [f"{line}\n".encode() for line in reference_lines()[0]]


def write(path, lines):
    path.write_bytes(b"".join(lines))
    return path


def same(a, b):
    return all(np.array_equal(one, other, equal_nan=one.dtype.kind == "f") for one, other in zip(a, b, strict=True))


def slowly(lines):
    columns = Columns.empty(len(lines))
    for row, line in enumerate(lines):
        line_records.fill(line, columns, row)
    return columns


@pytest.fixture
def never_slowly(monkeypatch):
    """The library's parser is not to be asked."""

    def refuse(line, *_):
        raise AssertionError(line)

    monkeypatch.setattr(line_columns, "read_slowly", refuse)


def test_lines_are_read_compiled_as_a_library_reads_them(tmp_path, never_slowly):
    (columns,) = read_columns(write(tmp_path / "lines", LINES), EVERYTHING, len(LINES))
    assert same(columns, slowly(LINES))


def test_numbers_are_those_of_the_lines(tmp_path):
    (columns,) = read_columns(write(tmp_path / "lines", LINES), EVERYTHING, len(LINES))
    places = starts()
    for row, line in enumerate(LINES):
        record = json.loads(line)
        assert columns.pixels[row, : len(record["pixels"])].tolist() == record["pixels"]
        assert columns.choices[row, 6:].tolist() == [*record["second"].values()]
        bits = [65535 if each == 2**64 - 1 else each for each in record["proj_reorder_bits"]]
        assert columns.projections[row, places["proj_reorder_bits"] :][:8].tolist() == bits
        for name, length in VALUES.items():
            written = np.array(record[name], float).reshape(-1)
            written[written >= 1e9] = np.nan
            np.testing.assert_array_equal(columns.values[row, places[name] :][:length], written)


def test_what_is_not_wanted_is_passed_over(tmp_path, never_slowly):
    (columns,) = read_columns(write(tmp_path / "lines", LINES), ["reorder_tv"], len(LINES))
    full = slowly(LINES)
    place = starts()["reorder_tv"]
    assert columns.values[:, place : place + 8].tolist() == full.values[:, place : place + 8].tolist()
    assert same(columns[:2], full[:2])
    assert same(columns[-1:], full[-1:])


@pytest.mark.parametrize("start", [0, 1, 6, 29, 30])
def test_stretches_from_any_line_with_any_buffer(tmp_path, monkeypatch, start):
    monkeypatch.setattr(line_columns, "READ_BYTES", 5000)  # less than a line
    path = write(tmp_path / "lines", [*LINES[:-1], LINES[-1].rstrip(b"\n")])
    found = [[each.copy() for each in columns] for columns in read_columns(path, EVERYTHING, 7, start)]
    assert [len(each[0]) for each in found] == [min(7, 30 - first) for first in range(start, 30, 7)]
    whole = [np.concatenate(parts) for parts in zip(*found, strict=True)]
    assert start == 30 or same(whole, [each[start:] for each in slowly(LINES)])


def test_compressed_lines_are_read_too(tmp_path):
    zstandard = pytest.importorskip("zstandard")
    path = tmp_path / "lines.zst"
    path.write_bytes(zstandard.compress(b"".join(LINES)))
    (columns,) = read_columns(path, EVERYTHING, len(LINES))
    assert same(columns, slowly(LINES))


ORDERLY = json.loads(LINES[0])
SPACED = json.dumps(ORDERLY, indent=None, separators=(" ,\t", " : ")).encode() + b"\n"
SHUFFLED = json.dumps(dict(reversed(ORDERLY.items()))).encode() + b"\n"
NAMED = json.dumps({**ORDERLY, "image": 'a "ä" \\'}, ensure_ascii=False).encode() + b"\n"
NULLS = json.dumps({**ORDERLY, "best": None, "second": None}).encode() + b"\n"
SMALL = json.dumps({**ORDERLY, "block_size": [2, 1], "pixels": [1, 2, 3, 4, 5, 6]}).encode() + b"\n"


@pytest.mark.parametrize(
    "line", [SPACED, SHUFFLED, NAMED, NULLS, SMALL], ids=["spaced", "order", "name", "null", "small"]
)
def test_lines_of_another_look_are_read_compiled(line, tmp_path, never_slowly):
    (columns,) = read_columns(write(tmp_path / "lines", [line, LINES[1]]), EVERYTHING, 5)
    assert same(columns, slowly([line, LINES[1]]))


def test_lines_beyond_the_compiled_reader_are_read_all_the_same(tmp_path):
    odd = (
        json.dumps({**ORDERLY, "more": {"a": [1]}, "score_best_residual_energy": 12345678901234567890}).encode() + b"\n"
    )
    (columns,) = read_columns(write(tmp_path / "lines", [LINES[2], odd, LINES[3]]), EVERYTHING, 5)
    assert same(columns, slowly([LINES[2], odd, LINES[3]]))


def changed(**values):
    return json.dumps({**ORDERLY, **values}).encode() + b"\n"


def without(name):
    return json.dumps({key: value for key, value in ORDERLY.items() if key != name}).encode() + b"\n"


BEST = ORDERLY["best"]
DAMAGE = {
    "key must be a string": b"{image:1}\n",
    "EOF while parsing": LINES[0][:2000] + b"\n",
    "this is no JSON object": b"[]\n",
    "`components` is 2, and has to be 3 or 4": changed(components=2),
    "`components` is missing": without("components"),
    "`block_size` is [9, 8], and a block has 1 to 8 pixels each way": changed(block_size=[9, 8]),
    "`pixels` has 191 numbers, and a block of 8x8 and 3 components has 192": changed(pixels=ORDERLY["pixels"][:191]),
    "`pixels` has 192 numbers, and a block of 8x8 and 4 components has 256": changed(components=4),
    "`pixels` holds 256, and has to be a whole number from 0 to 255": changed(pixels=[256, *ORDERLY["pixels"][1:]]),
    "`pixels` holds -1": changed(pixels=[-1, *ORDERLY["pixels"][1:]]),
    "`reorder_tv`, value 1, is nan, which is no finite number": changed(reorder_tv=[1.0, float("nan"), *[1.0] * 6]),
    "`reorder_tv`, value 0, is inf": changed(reorder_tv=[float("inf"), *[1.0] * 7]),
    "`reorder_tv` has 7 numbers, and this key has 8": changed(reorder_tv=[1.0] * 7),
    "`reorder_tv` is missing": without("reorder_tv"),
    "`proj_interleave_bits` holds 70000, and has to be a whole number from 0 to 65534": changed(
        proj_interleave_bits=[70000, 1]
    ),
    "`best.predictor` is 8, and goes from 0 to 7": changed(best={**BEST, "predictor": 8}),
    "`second.filter` is 96, and goes from 0 to 95": changed(second={**BEST, "filter": 96}),
    "`best.reorder` is -1": changed(best={**BEST, "reorder": -1}),
    "`best.bits` is missing": changed(best={key: BEST[key] for key in BEST if key != "bits"}),
    "`best` is 5, and has to be null or an object": changed(best=5),
    "`best` is missing": without("best"),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_damage_is_named_with_file_and_line(reason, tmp_path):
    path = write(tmp_path / "training.all.jsonl", [LINES[1], LINES[2], DAMAGE[reason], LINES[3]])
    with pytest.raises(BadRecord) as caught:
        list(read_columns(path, EVERYTHING, 2))
    assert str(caught.value).startswith(f"{path}, line 3: {reason}")
    assert str(caught.value).endswith("; restore it or make the pack again")


def test_a_line_without_an_end_in_sight_is_refused(tmp_path, monkeypatch):
    monkeypatch.setattr(line_columns, "READ_BYTES", 1 << 16)
    path = write(tmp_path / "lines", [LINES[1], b"[" * (line_columns.LONGEST_LINE + (1 << 16))])
    with pytest.raises(BadRecord, match="line 2: it is longer than"):
        list(read_columns(path, EVERYTHING, 2))


@given(st.data())
def test_a_changed_byte_is_read_as_the_library_reads_it_or_refused(data):
    line = bytearray(LINES[data.draw(st.integers(0, len(LINES) - 1))])
    first = line.index(b'"block_size"')  # before it are keys that are passed over
    line[data.draw(st.integers(first, len(line) - 2))] = data.draw(st.integers(32, 126))
    columns, keys = Columns.empty(1), line_columns._keys(EVERYTHING)
    _, count = line_columns._read(np.frombuffer(line, np.uint8), 0, keys, columns, 0)
    if count:
        assert same(columns, slowly([bytes(line)]))
