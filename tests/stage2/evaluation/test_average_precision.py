import pytest
from judged_images import CUP, DOG, judged

from railyard.core.errors import UserError
from railyard.stage2.evaluation import average_precision
from railyard.stage2.evaluation.average_precision import figures
from railyard.stage2.scenes.records import SceneObject

pytest.importorskip("faster_coco_eval")
LOW = SceneObject("red cup", (1, 2, 300, 190))


def test_everything_right_is_1():
    found = figures([judged(1, [CUP, DOG], [CUP, DOG]), judged(2, [DOG], [DOG])])
    assert {found[f"eval/{name}{loc}"] for name in ("AP", "AP50", "AP75", "AR100") for loc in ("", "_loc")} == {1.0}
    assert found["eval/other_descriptions"] == 0


def test_nothing_predicted_gives_zeros():
    for images in ([judged(1, [CUP], "{}")], [], [judged(1, [], [CUP])]):
        found = figures(images)
        assert len(found) == 9
        assert {value for name, value in found.items() if "other" not in name} == {0.0}


def test_descriptions_are_compared_as_normalised_and_others_are_counted():
    images = [judged(1, [CUP, DOG], [SceneObject("Red_cup", CUP.box), SceneObject("wolf", DOG.box)])]
    found = figures(images)
    assert found["eval/AP50"] == pytest.approx(0.5)  # of two categories one is found
    assert found["eval/AP50_loc"] == 1
    assert found["eval/other_descriptions"] == 1


def test_precision_follows_the_confidences():
    def of(scores):
        false = SceneObject("red cup", (600, 600, 900, 900))
        return figures([judged(1, [CUP], [CUP, false], scores)])["eval/AP50"]

    assert of([0.9, 0.1]) == 1
    assert of([0.1, 0.9]) == pytest.approx(0.5, abs=0.01)


def test_a_loose_box_counts_at_loose_thresholds_only():
    loose = SceneObject("red cup", (1, 2, 300, 240))  # IoU 0.598
    found = figures([judged(1, [CUP], [loose])])
    assert (found["eval/AP50"], found["eval/AP75"]) == (1, 0)
    assert found["eval/AP"] == pytest.approx(0.2)  # 0.5 and 0.55 of ten
    assert found["eval/AR100"] == pytest.approx(0.2)


def test_without_the_extra_a_sentence_says_how_to_get_it(monkeypatch):
    monkeypatch.setattr(average_precision, "available", lambda: False)
    with pytest.raises(UserError, match=r"pip install 'railyard\[coco\]'"):
        figures([])
