import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.rollout.parsing import Prediction, parse
from railyard.stage2.rollout.repeats import RepeatWatch, apply_repeat_guard, find_repeats, max_same_desc
from railyard.stage2.scenes.boxes import iou
from railyard.stage2.scenes.records import SceneObject

BURST = [
    SceneObject("cat", (0, 0, 100, 100)),
    SceneObject("dog", (0, 0, 100, 100)),
    SceneObject("cat", (0, 0, 100, 95)),
    SceneObject("cat", (0, 0, 100, 50)),
    SceneObject("dog", (7, 7, 7, 7)),
    SceneObject("dog", (7, 7, 7, 7)),
]


def predictions(objects):
    return [Prediction(n, each.desc, each.box, (0, 0, 0, 0)) for n, each in enumerate(objects, 1)]


def indices(kept):
    return [prediction.index for prediction in kept]


def test_repeats_have_the_same_description_and_nearly_the_same_box():
    assert find_repeats(predictions(BURST)).tolist() == [False, False, True, False, False, True]
    assert find_repeats(predictions(BURST), 0.5).tolist() == [False, False, True, True, False, True]
    assert max_same_desc(predictions(BURST)) == 3


def test_no_predictions_have_no_repeats():
    assert find_repeats([]).tolist() == []
    assert apply_repeat_guard([], "stop") == ()
    assert max_same_desc([]) == 0


def test_the_guard_drops_repeats_or_stops_before_the_first():
    assert indices(apply_repeat_guard(predictions(BURST), "drop")) == [1, 2, 4, 5]
    assert indices(apply_repeat_guard(predictions(BURST), "stop")) == [1, 2]


objects = st.builds(
    SceneObject,
    st.sampled_from(["cat", "dog"]),
    st.tuples(*[st.integers(0, 2)] * 2, *[st.integers(2, 4)] * 2),
)


@given(st.lists(objects, max_size=6), st.sampled_from([0.4, 0.9]))
def test_repeats_are_those_of_a_loop_over_pairs(several, threshold):
    expected = [
        any(a.desc == b.desc and (a.box == b.box or iou([a.box], [b.box])[0, 0] >= threshold) for a in several[:n])
        for n, b in enumerate(several)
    ]
    assert find_repeats(predictions(several), threshold).tolist() == expected


@pytest.mark.parametrize("fused", [(), ("}}", '"]}', '"]}}', '"]}, "')])
def test_the_watch_tells_at_the_token_that_closes_a_repeat(fused):
    text = render(BURST) + "<|im_end|>"
    vocabulary = toy_vocabulary(text, fused=fused)
    ids = vocabulary.encode(text)
    watch = RepeatWatch(vocabulary)
    told = [place for place, token in enumerate(ids) if watch.push(token)]
    found = [parse(ids[: place + 1], vocabulary).predictions for place in told]
    assert [kept[-1].index for kept in found] == [3, 6]
    assert all(find_repeats(kept)[-1] for kept in found)
    assert not watch.push(len(vocabulary.pieces))
    assert np.flatnonzero(find_repeats(parse(ids, vocabulary).predictions)).tolist() == [2, 5]
