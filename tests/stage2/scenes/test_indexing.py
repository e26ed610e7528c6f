import json
import os

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from stage2_scenes import small_scenes

from railyard.core.errors import BadRecord, UserError
from railyard.stage2.scenes import indexing, records
from railyard.stage2.scenes.indexing import Records

GOOD = {"images": ["a.png"], "objects": [{"desc": "cat", "bbox_2d": [1, 2, 30, 40]}], "width": 64, "height": 64}


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    return small_scenes(tmp_path_factory.mktemp("scenes") / "made", n=7)


@pytest.fixture
def file(tmp_path):
    (tmp_path / "a.png").touch()
    return tmp_path / "own.jsonl"


def write(file, *lines, end="\n"):
    file.write_text("\n".join(line if isinstance(line, str) else json.dumps(line) for line in lines) + end)


def index_of(file):
    return file.with_name(file.name + ".index")


def test_scenes_are_read_by_their_number(made):
    found = Records.open(made)
    everything = list(records.read(made))
    assert len(found) == len(everything) == 7
    assert found.scenes(np.array([5, 0, 6, 5])) == [everything[number] for number in (5, 0, 6, 5)]
    assert list(found) == everything
    assert found.rows_N["objects"].tolist() == [len(scene.objects) for scene in everything]
    assert found.place(4) == f"{made}, line 5"
    assert Records.open(made.parent).path == made


@settings(max_examples=25)
@given(st.lists(st.tuples(st.text(st.characters(exclude_categories=["C"]), min_size=1, max_size=9), st.booleans())))
def test_lines_of_any_length_are_found_again(tmp_path_factory, parts):
    file = tmp_path_factory.mktemp("any") / "own.jsonl"
    (file.parent / "a.png").touch()
    lines = [{**GOOD, "summary": text, "objects": GOOD["objects"] * 3 * many} for text, many in [("x", True), *parts]]
    write(file, *lines, end="\n" if len(parts) % 2 else "")
    numbers = np.arange(len(lines))[::-1]
    for _ in range(2):  # read, then from the index
        assert [scene.summary for scene in Records.open(file).scenes(numbers)] == [
            line["summary"] for line in reversed(lines)
        ]


def test_the_second_run_reads_the_index_alone(made, monkeypatch):
    first = Records.open(made)
    monkeypatch.setattr(indexing, "_made", lambda *_: pytest.fail("the whole file was read again"))
    again = Records.open(made)
    assert again.rows_N.tolist() == first.rows_N.tolist()
    assert again.fingerprint == first.fingerprint


@pytest.mark.parametrize("damage", ["time", "size", "space", "cut", "noise", "places", "words", "folder"])
def test_an_index_of_something_else_is_made_anew(file, damage):
    write(file, GOOD, {**GOOD, "summary": "two"})
    Records.open(file)
    index, state = index_of(file), file.stat()
    good = index.read_bytes()
    head, _, rows = good.partition(b"\n")
    if damage == "time":
        write(file, {**GOOD, "summary": "2nd"}, GOOD)
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns + 1))
    elif damage == "size":
        write(file, GOOD, GOOD, {**GOOD, "summary": "two"})
        os.utime(file, ns=(state.st_atime_ns, state.st_mtime_ns))
    elif damage == "cut":
        index.write_bytes(good[:-3])
    elif damage == "noise":
        index.write_bytes(b"\xff\n" + rows)
    elif damage == "places":
        index.write_bytes(head + b"\n" + rows[::-1])
    elif damage == "words":
        index.write_bytes(b"[]\n" + rows)
    elif damage == "folder":
        index.unlink()
        index.mkdir()
    found = Records.open(file, "pixels" if damage == "space" else "auto")
    everything = list(records.read(file))
    assert found.scenes(np.arange(len(found))) == everything
    if damage != "folder":
        assert index.read_bytes() != good or damage in ("cut", "noise", "places", "words")


def test_a_folder_that_takes_no_file_is_read_all_the_same(file, monkeypatch, caplog):
    write(file, GOOD)

    def refused(*_):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(indexing.durable, "write_bytes", refused)
    caplog.set_level("INFO")
    assert len(Records.open(file)) == 1
    assert "is not kept (Permission denied)" in caplog.text
    assert not index_of(file).exists()


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ("{", "line 2: not JSON"),
        ({**GOOD, "images": ["b.png"]}, "line 2: the image b.png is missing: it is looked for beside the file"),
        ({**GOOD, "width": 70}, "line 2: the image is 70 x 64, but both sides have to be multiples of 32: resize"),
        (
            {**GOOD, "objects": [{"desc": "cat", "poly": [1, 2, 3, 4, 5, 6]}]},
            "line 2: object 1: poly is not trained on: `railyard convert` writes its bounding box as bbox_2d",
        ),
        (
            {**GOOD, "objects": [{"desc": "cat", "bbox_2d": [30, 2, 1, 40]}]},
            "line 2: object 1: bbox_2d is .* with x1 <= x2",
        ),
        ({**GOOD, "objects": [{"desc": "cat", "bbox_2d": [1, 2, 65, 40]}]}, "line 2: object 1: x = 65 is outside"),
        (
            {**GOOD, "objects": [{"desc": "cat", "bbox_2d": ["<|coord_1000|>"] * 4}]},
            "line 2: object 1: .* is no coordinate token",
        ),
    ],
)
def test_a_record_that_cannot_be_trained_on_ends_the_run_before_it_begins(file, record, says):
    write(file, GOOD, record)
    with pytest.raises(BadRecord, match=says):
        Records.open(file)
    assert not index_of(file).exists()


def test_no_file_and_an_empty_one_are_refused(file):
    with pytest.raises(UserError, match=r"is not a file of scenes: name a \.jsonl file, or the folder of a data set"):
        Records.open(file)
    file.touch()
    with pytest.raises(UserError, match="is empty"):
        Records.open(file)


def test_a_file_that_grows_meanwhile_is_refused(file, monkeypatch):
    write(file, GOOD)
    made = indexing._made

    def growing(*given):
        found = made(*given)
        write(file, GOOD, GOOD)
        return found

    monkeypatch.setattr(indexing, "_made", growing)
    with pytest.raises(UserError, match="is being written"):
        Records.open(file)
