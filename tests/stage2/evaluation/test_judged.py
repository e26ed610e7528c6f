import pytest
from judged_images import CUP, DOG, judged

from railyard.stage2.rollout.config import RepeatGuard
from railyard.stage2.scenes.records import SceneObject

LOW = SceneObject("red cup", (1, 2, 300, 190))  # IoU 0.47 with the cup


def test_an_image_is_matched_at_several_ious():
    image = judged(3, [CUP, DOG], [LOW, DOG])
    assert (image.line, image.size, image.image) == (3, (96, 64), "3.png")
    assert {iou: len(found.pairs) for iou, found in image.matchings.items()} == {0.3: 2, 0.5: 1}
    assert image.counts[0.3].matched == 2
    assert image.counts[0.5].kept == 2
    assert image.text.endswith("<|im_end|>")
    assert image.tokens > 20
    assert set(judged(1, [CUP], [CUP], iou_gate=0.1).matchings) == {0.1, 0.3, 0.5}


def test_confidences_stay_with_their_predictions_where_the_guard_drops_one():
    near = SceneObject(CUP.desc, (1, 2, 300, 399))
    answer, scores = [CUP, near, DOG], [0.9, 0.8, 0.7]
    assert judged(1, [CUP, DOG], answer, scores).confidences == (0.9, 0.8, 0.7)
    dropped = judged(1, [CUP, DOG], answer, scores, repeat_guard=RepeatGuard(enabled=True, action="drop"))
    assert [each.desc for each in dropped.predictions] == ["red cup", "blue dog"]
    assert dropped.confidences == (0.9, 0.7)
    stopped = judged(1, [CUP, DOG], answer, scores, repeat_guard=RepeatGuard(enabled=True, action="stop"))
    assert stopped.confidences == (0.9,)


def test_one_confidence_a_prediction():
    with pytest.raises(ValueError, match="argument"):
        judged(1, [CUP], [CUP, DOG], [0.5])
