import json
import math
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
        ({**CONTENT, "images": [{**IMAGE, "width": 10**400}]}, "width of image 7 is 1000.*at most 1,000,000"),
        ({**CONTENT, "images": [{**IMAGE, "width": 0}]}, "width of image 7 is 0"),
        ({**CONTENT, "images": [{**IMAGE, "height": "80"}]}, "height of image 7 is a whole number, got '80'"),
        ({**CONTENT, "images": [{**IMAGE, "file_name": 3}]}, "image 7 has no file_name"),
        ({**CONTENT, "categories": ["cat"]}, "id of an entry of categories is a whole number"),
    ],
)
def test_what_is_not_coco(tmp_path, content, says):
    with pytest.raises(UserError, match=f"instances.json.*{says}") as fault:
        read(tmp_path, content)
    assert "\n" not in str(fault.value)
