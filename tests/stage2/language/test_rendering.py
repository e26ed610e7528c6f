import json

from hypothesis import given, settings
from hypothesis import strategies as st
from stage2_fixtures import fixture
from stage2_objects import scene_objects

from railyard.stage2.language.rendering import canonical, description, render
from railyard.stage2.scenes.coordinates import TOKENS, coerce
from railyard.stage2.scenes.records import SceneObject


def test_reference_text():
    case = fixture("12")
    objects = [SceneObject(each["desc"], tuple(map(coerce, each["bbox_2d"]))) for each in case["input"]]
    assert render(canonical(objects)) == case["assistant_text"]
    assert render([]) == "{}"


@settings(max_examples=50)
@given(st.lists(scene_objects(), min_size=1, max_size=12))
def test_it_is_the_json_of_the_objects(objects):
    as_dicts = {
        f"object_{number}": {"desc": each.desc, "bbox_2d": [TOKENS[bin_] for bin_ in each.box]}
        for number, each in enumerate(objects, start=1)
    }
    assert render(objects) == json.dumps(as_dicts, ensure_ascii=False, separators=(", ", ": "))


@settings(max_examples=50)
@given(scene_objects())
def test_a_description_knows_the_bytes_of_its_value(each):
    piece = description(each.desc)
    written = piece.text.encode()[piece.value].decode()
    assert json.loads(f'"{written}"') == each.desc


def test_top_to_bottom_then_left_to_right_and_stable():
    case = fixture("12")
    objects = [SceneObject(each["desc"], tuple(map(coerce, each["bbox_2d"]))) for each in case["input"]]
    assert [each.desc for each in canonical(objects)] == case["order"]


def test_only_the_first_corner_counts():
    late_end, early_end = SceneObject("b", (5, 5, 9, 9)), SceneObject("a", (5, 5, 6, 6))
    assert canonical([late_end, early_end]) == [late_end, early_end]
