import json
import math
import re
from collections import Counter

import pytest

from railyard.core.errors import UserError
from railyard.stage2.scenes.coco import records

IMAGE = {"id": 7, "file_name": "a.jpg", "width": 100, "height": 80}
GOOD = {"image_id": 7, "category_id": 1, "bbox": [10, 20, 30, 40], "iscrowd": 0}
CONTENT = {"images": [IMAGE], "annotations": [GOOD], "categories": [{"id": 1, "name": "hair drier"}]}


def read(tmp_path, content):
    path, counts = tmp_path / "instances.json", Counter()
    path.write_text(content if isinstance(content, str) else json.dumps(content))
    return [json.loads(line) for line in records(path, counts)], counts


def test_annotations_become_objects_of_their_image(tmp_path):
    second = {**IMAGE, "id": 3, "file_name": "b.jpg"}
    found, counts = read(tmp_path, {**CONTENT, "images": [IMAGE, second]})
    assert found == [
        {
            "images": ["a.jpg"],
            "objects": [{"desc": "hair drier", "bbox_2d": [10, 20, 40, 60]}],
            "width": 100,
            "height": 80,
            "metadata": {"image_id": 7},
        },
        {"images": ["b.jpg"], "objects": [], "width": 100, "height": 80, "metadata": {"image_id": 3}},
    ]
    assert not counts


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"iscrowd": 1}, "crowds"),
        ({"bbox": [math.nan, 20, 30, 40]}, "annotations without a box"),
        ({"bbox": [10, 20, math.inf, 40]}, "annotations without a box"),
        ({"bbox": [10**400, 20, 1.5, 40]}, "annotations without a box"),
        ({"bbox": [True, 20, 30, 40]}, "annotations without a box"),
        ({"category_id": [1]}, "annotations of no category"),
        ({"category_id": None}, "annotations of no category"),
        ({"category_id": 3}, "names that are no plain description"),
        ({"image_id": [7]}, "annotations of no image"),
        ({"bbox": None}, "annotations without a box"),
        ({"bbox": [1, 2, 3]}, "annotations without a box"),
        ({"bbox": [10, 20, 0, 5]}, "empty boxes"),
        ({"bbox": [10, 20, 5, -5]}, "empty boxes"),
        ({"bbox": [100, 20, 5, 5]}, "boxes beside the image"),
        ({"category_id": 9}, "annotations of no category"),
        ({"category_id": 2}, "names that are no plain description"),
        ({"image_id": 8}, "annotations of no image"),
    ],
)
def test_what_is_left_out_is_counted_by_its_reason(tmp_path, change, reason):
    categories = [*CONTENT["categories"], {"id": 2, "name": "a, b"}, {"id": 3, "name": None}]
    found, counts = read(tmp_path, {**CONTENT, "annotations": [GOOD, GOOD | change], "categories": categories})
    assert len(found[0]["objects"]) == 1
    assert counts == {reason: 1}


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"width": 10**400}, "width is a whole number of pixels above 0 and at most 1,000,000, got 1000"),
        ({"width": 0}, "width is .*got 0"),
        ({"height": "80"}, "height is .*got '80'"),
        ({"width": None}, "width is .*got None"),
        ({"file_name": 3}, "it has no file_name, got 3"),
        ({"file_name": ""}, "it has no file_name, got ''"),
    ],
)
def test_an_image_that_cannot_be_taken_is_one_bad_record(tmp_path, change, reason):
    (record, good), _ = read(tmp_path, {**CONTENT, "images": [IMAGE | change, {**IMAGE, "id": 8}]})
    assert record.keys() == {"fault", "metadata"}
    assert re.match(reason, record["fault"])
    assert record["metadata"] == {"image_id": 7}
    assert good["images"] == ["a.jpg"]


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"image_id": "7"}, "annotations whose image_id is text"),
        ({"category_id": "1"}, "annotations whose category_id is text"),
        ({"bbox": ["10", "20", "30", "40"]}, "boxes whose numbers are text"),
        ({"bbox": []}, "annotations without a box"),
        ({"iscrowd": "1"}, "crowds"),
        ({"attributes": {"rotation": 90.0}}, "rotated boxes"),
    ],
)
def test_a_file_whose_annotations_are_all_lost_is_refused(tmp_path, change, reason):
    with pytest.raises(UserError, match=rf"none of its 2 annotations .* because of {reason} \(2\)"):
        read(tmp_path, {**CONTENT, "annotations": [GOOD | change] * 2})


@pytest.mark.parametrize("change", [{"iscrowd": "0"}, {"iscrowd": None}, {"attributes": {"rotation": 0.0}}])
def test_what_is_no_crowd_and_not_rotated_is_taken(tmp_path, change):
    found, counts = read(tmp_path, {**CONTENT, "annotations": [GOOD | change]})
    assert len(found[0]["objects"]) == 1
    assert not counts


def test_a_file_without_annotations_is_taken(tmp_path):
    assert read(tmp_path, {**CONTENT, "annotations": []})[0][0]["objects"] == []


def test_boxes_are_cut_at_the_edges(tmp_path):
    found, _ = read(tmp_path, {**CONTENT, "annotations": [{**GOOD, "bbox": [-5, 70, 200, 20]}]})
    assert found[0]["objects"][0]["bbox_2d"] == [0, 70, 100, 80]


@pytest.mark.parametrize(
    ("content", "says"),
    [
        ("{", "is not JSON .*is it whole"),
        ("[]", "is not COCO"),
        ({"images": [], "annotations": []}, "is not COCO: it has the lists images, annotations, categories"),
        ({**CONTENT, "images": [{"file_name": "a.jpg"}]}, "id of an entry of images is a whole number, got None"),
        ({**CONTENT, "images": []}, "lists no image"),
        ({**CONTENT, "images": [IMAGE, {**IMAGE, "file_name": "b.jpg"}]}, "the id 7 stands twice in images"),
        ({**CONTENT, "categories": CONTENT["categories"] * 2}, "the id 1 stands twice in categories"),
        ({**CONTENT, "annotations": [{**GOOD, "id": 4}, {**GOOD, "id": 4}]}, "the id 4 stands 2 times in annotations"),
        ("\ufeff{}", "begins with a byte order mark"),
        ({**CONTENT, "categories": ["cat"]}, "id of an entry of categories is a whole number"),
    ],
)
def test_what_is_not_coco(tmp_path, content, says):
    with pytest.raises(UserError, match=f"instances.json.*{says}") as fault:
        read(tmp_path, content)
    assert "\n" not in str(fault.value)
