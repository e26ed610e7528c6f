from stage2_fixtures import fixture

from railyard.stage2.language.order import canonical
from railyard.stage2.scenes.coordinates import coerce_box
from railyard.stage2.scenes.records import SceneObject


def test_top_to_bottom_then_left_to_right_and_stable():
    case = fixture("12")
    objects = [SceneObject(each["desc"], coerce_box(each["bbox_2d"])) for each in case["input"]]
    assert [each.desc for each in canonical(objects)] == case["order"]


def test_only_the_first_corner_counts():
    late_end, early_end = SceneObject("b", (5, 5, 9, 9)), SceneObject("a", (5, 5, 6, 6))
    assert canonical([late_end, early_end]) == [late_end, early_end]
