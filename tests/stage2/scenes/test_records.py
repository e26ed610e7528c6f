import json
import os

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from railyard.core.errors import UserError
from railyard.stage2.scenes.records import BadRecord, Scene, SceneObject, line_of, lines, parse, read, scene_of

GOOD = {"images": ["a.png"], "objects": [{"desc": "cat", "bbox_2d": [1, 2, 30, 40]}], "width": 64, "height": 64}


def with_object(**keys):
    return {**GOOD, "objects": [*GOOD["objects"], {"desc": "dog", "bbox_2d": [1, 2, 3, 4]} | keys]}


@pytest.mark.parametrize(
    ("record", "says"),
    [
        ([], "a record is a JSON object"),
        ({**GOOD, "image": "a.png"}, "'image' is not a key of a record; did you mean 'images'"),
        ({**GOOD, "id": 3}, "'id' is not a key of a record; what else is known of an image goes into metadata"),
        ({**GOOD, "images": ["a.png", "b.png"]}, "exactly one path"),
        ({**GOOD, "images": []}, "exactly one path"),
        ({**GOOD, "images": "a.png"}, "exactly one path"),
        ({**GOOD, "images": [""]}, "exactly one path"),
        ({**GOOD, "width": 10**400}, "width is a whole number of pixels above 0 and at most 1,000,000, got 100"),
        ({**GOOD, "images": ["/etc/a.png"]}, "relative to the file's folder"),
        ({**GOOD, "images": ["\ud800.png"]}, "half of a character"),
        ({k: v for k, v in GOOD.items() if k != "objects"}, "objects is a list.*got none"),
        ({**GOOD, "width": 0}, "width is a whole number of pixels above 0 and at most 1,000,000, got 0"),
        ({**GOOD, "height": 64.0}, "height is a whole number"),
        ({**GOOD, "width": True}, "width is a whole number"),
        ({k: v for k, v in GOOD.items() if k != "height"}, "height is a whole number of pixels above 0 .*, got none"),
        ({**GOOD, "metadata": []}, "metadata is an object"),
        ({**GOOD, "metadata": {"coordinate_space": "inches"}}, "one of pixels, norm1000, tokens, got 'inches'"),
        ({**GOOD, "summary": 3}, "summary is text"),
        ({**GOOD, "objects": [3]}, "object 1: an object is a JSON object"),
        (with_object(bbox=[1, 2, 3, 4]), "object 2: 'bbox' is not a key of an object: write bbox_2d"),
        (with_object(line=[1, 2, 3, 4]), "object 2: 'line' is not a key of an object: draw it as poly"),
        (with_object(polygon=[1, 2, 3, 4]), "object 2: 'polygon' is not a key of an object: write poly"),
        (with_object(desc=" \n"), "object 2: desc is text that is not empty"),
        (with_object(desc=None), "object 2: desc is text"),
        (with_object(desc="\ud800"), "object 2: desc has half of a character"),
        (with_object(bbox_2d=[1, 2, 3]), "object 2: bbox_2d is a list of four"),
        (with_object(poly=[1, 2, 3, 4, 5, 6]), "object 2: .*got both"),
        ({**GOOD, "objects": [{"desc": "cat", "poly": [1, 2, 3, 4, 5, 6]}]}, "object 1: poly is not trained on"),
    ],
)
def test_every_fault_is_one_sentence(record, says):
    with pytest.raises(ValueError, match=says) as fault:
        scene_of(record)
    assert "\n" not in str(fault.value)


@pytest.mark.parametrize(
    ("line", "says"),
    [
        (b"\n", "the line is blank"),
        (b'{"images": ["a', "not JSON .*ends inside this line"),
        (b"{nonsense}\n", "not JSON .*column 2"),
        (b'{"a": "\xff"}\n', "byte 8 is not UTF-8"),
        (b'{"width": 1, "width": 2}\n', "'width' stands twice"),
        (b'{"width": NaN}\n', "NaN is no number"),
        (b"[" * 100_000 + b"\n", "nested too deeply|not JSON"),
        (b'{"width": ' + b"9" * 5000 + b"}\n", "limit"),
    ],
)
def test_a_bad_line_names_file_and_line(tmp_path, line, says):
    path = tmp_path / "scenes.jsonl"
    path.write_bytes(json.dumps(GOOD).encode() + b"\n" + line)
    with pytest.raises(BadRecord, match=f"scenes.jsonl, line 2: .*{says}"):
        list(read(path, images=False))


def test_the_image_has_to_be_there(tmp_path):
    path = tmp_path / "scenes.jsonl"
    path.write_text(json.dumps(GOOD))
    with pytest.raises(BadRecord, match=r"line 1: the image a\.png is missing"):
        list(read(path))
    (tmp_path / "a.png").touch()
    assert [scene.image for scene in read(path)] == ["a.png"]


def test_a_file_without_records_is_refused(tmp_path):
    (tmp_path / "empty.jsonl").touch()
    for name, says in (("empty.jsonl", "is empty"), ("none.jsonl", "is not a file"), (".", "is not a file")):
        with pytest.raises(UserError, match=says):
            list(read(tmp_path / name))


def test_reading_streams(tmp_path):
    path = tmp_path / "scenes.jsonl"
    path.write_text(json.dumps(GOOD) + "\nbroken")
    assert next(read(path, images=False)).width == 64


@pytest.mark.parametrize(("declared", "space", "x2"), [("norm1000", "auto", 30), (None, "auto", 476)])
def test_numbers_are_pixels_unless_the_record_says_otherwise(declared, space, x2):
    metadata = {"coordinate_space": declared} if declared else {}
    assert scene_of({**GOOD, "metadata": metadata}, space).objects[0].box[2] == x2
    assert scene_of({**GOOD, "metadata": metadata}, "pixels").objects[0].box[2] == 476


def test_a_polygon_is_read_where_it_is_wanted():
    record = {**GOOD, "objects": [{"desc": "kite", "poly": [0, 0, 63, 0, 63, 63]}]}
    assert scene_of(record, polygons=True).objects == (SceneObject("kite", (0, 0, 999, 999), (0, 0, 999, 0, 999, 999)),)


bins = st.integers(0, 999)
boxes = st.tuples(bins, bins, bins, bins).map(lambda b: (*map(min, b[:2], b[2:]), *map(max, b[:2], b[2:])))
words = st.text(st.characters(exclude_categories=["Cs"]), min_size=1).filter(str.strip)
polys = st.lists(st.tuples(bins, bins), min_size=3).map(lambda points: tuple(k for point in points for k in point))


def bounded(desc, poly):
    return SceneObject(desc, (min(poly[::2]), min(poly[1::2]), max(poly[::2]), max(poly[1::2])), poly)


objects = st.builds(SceneObject, words, boxes) | st.builds(bounded, words, polys)
scenes = st.builds(
    Scene,
    st.just("images/ä.png"),
    st.integers(1, 9999),
    st.integers(1, 9999),
    st.lists(objects, max_size=4).map(tuple),
    st.none() | st.text(st.characters(exclude_categories=["Cs"])),
    st.none() | st.dictionaries(words, st.integers(), max_size=2),
)


@settings(max_examples=60)
@given(scenes)
def test_what_is_written_is_read_again(scene):
    line = line_of(scene)
    assert line.count(b"\n") == 1
    assert parse(line, None, 1, polygons=True, images=False) == scene


def test_a_pipe_is_no_file_of_scenes(tmp_path):
    os.mkfifo(tmp_path / "a.jsonl")
    with pytest.raises(UserError, match=r"a\.jsonl is not a file of scenes"):
        list(lines(tmp_path / "a.jsonl"))
