import numpy as np
from hypothesis import given, settings
from hypothesis import strategies as st
from stage2_fixtures import fixture
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.matching.assignment import Matching, match
from railyard.stage2.objective.targets import TargetBuilder, TokenClass, all_geometry, matched_geometry
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.rollout.scan import desc_spans
from railyard.stage2.scenes.coordinates import coerce
from railyard.stage2.scenes.records import SceneObject

FUSED = ("}}", '"}', "]}", '"]}', '"]}}', '": {"', '", "', ': ["', '": "c', 't", "', "{}")
OBJECTS = [
    SceneObject("cat", (500, 600, 700, 800)),
    SceneObject("dog", (9, 10, 11, 12)),
    SceneObject("a big cat", (5, 10, 7, 18)),
    SceneObject("bird", (100, 0, 200, 50)),
]
CHARACTERS = "".join(chr(code) for code in range(32, 127)) + "é猫"


def builder(fused=()):
    vocabulary = toy_vocabulary(CHARACTERS, fused=fused)
    return TargetBuilder(vocabulary), vocabulary


def text_of(target, vocabulary):
    return vocabulary.join(target.ids_T)[0].decode().removesuffix("<|im_end|>")


def test_channel_a_writes_all_objects_in_canonical_order():
    case = fixture("12")
    build, vocabulary = builder()
    target = build.canonical([SceneObject(each["desc"], tuple(map(coerce, each["bbox_2d"]))) for each in case["input"]])
    assert [each.desc for each in target.objects] == case["order"]
    assert text_of(target, vocabulary) == case["assistant_text"]
    assert target.ids_T[-1] == vocabulary.im_end
    assert target.matched == 0


def test_channel_b_writes_the_matched_in_the_order_of_predictions_and_then_the_missed():
    build, vocabulary = builder()
    target = build.reordered(OBJECTS, Matching(((1, 2), (4, 0)), (1.0, 1.0), missed=(1, 3), false=(0, 2, 3), gated=0))
    assert [each.desc for each in target.objects] == ["a big cat", "cat", "bird", "dog"]
    assert target.matched == 2
    assert text_of(target, vocabulary) == render(target.objects)


def test_channel_b_without_a_pair_is_channel_a():
    build, _ = builder()
    ours, canonical = build.reordered(OBJECTS, match([], [each.box for each in OBJECTS])), build.canonical(OBJECTS)
    assert ours.objects == canonical.objects
    assert (ours.ids_T == canonical.ids_T).all()
    assert ours.matched == 0


def test_a_scene_without_objects_is_written_too():
    build, vocabulary = builder()
    target = build.canonical([])
    assert text_of(target, vocabulary) == "{}"
    assert target.classes_T.tolist() == [TokenClass.STRUCTURE, TokenClass.STOP, TokenClass.STOP]
    assert target.slots_N4.shape == (0, 4)


def slow_classes(target, vocabulary):
    """The class and owner of each token, looked up byte by byte."""
    text, places = vocabulary.join(target.ids_T)
    spans = desc_spans(text)
    close = text.rindex(b"}")
    for token, id_ in enumerate(target.ids_T):
        mine = range(places[token], places[token + 1])
        touched = [owner for owner, span in enumerate(spans) if set(mine) & set(range(*span))]
        if close in mine or id_ == vocabulary.im_end:
            yield TokenClass.STOP, -1
        elif id_ < 1000:
            yield TokenClass.COORD, -1
        else:
            yield (TokenClass.DESC, touched[0]) if touched else (TokenClass.STRUCTURE, -1)


descs = st.lists(st.sampled_from(["c", "t", '"', "\\", "}", "{", "é", "猫", "b c", ", "]), min_size=1, max_size=4)
bins = st.integers(0, 999)
objects = st.builds(SceneObject, descs.map("".join), st.tuples(bins, bins, bins, bins))


@settings(max_examples=60)
@given(st.lists(objects, max_size=4), st.booleans())
def test_classes_and_slots_are_those_of_a_loop_over_bytes(several, fused):
    build, vocabulary = builder(FUSED if fused else ())
    target = build.canonical(several)
    classes, owners = zip(*slow_classes(target, vocabulary), strict=True)
    assert target.classes_T.tolist() == list(classes)
    assert target.owners_T.tolist() == list(owners)
    assert vocabulary.bins_V[target.ids_T[target.slots_N4]].tolist() == [list(each.box) for each in target.objects]
    assert target.merged == fused
    geometry = all_geometry(target)
    assert geometry.boxes_N4.tolist() == [list(each.box) for each in target.objects]
    assert (geometry.slots_N4 == target.slots_N4).all()


def test_geometry_of_channel_b_pairs_the_slots_of_predictions_with_true_boxes():
    build, vocabulary = builder()
    written = [OBJECTS[3], OBJECTS[0], SceneObject("ghost", (900, 900, 950, 950))]
    rollout = parse(vocabulary.encode(render(written)), vocabulary)
    matching = match([each.box for each in rollout.predictions], [each.box for each in OBJECTS])
    geometry = matched_geometry(rollout.predictions, OBJECTS, matching)
    assert geometry.boxes_N4.tolist() == [list(OBJECTS[3].box), list(OBJECTS[0].box)]
    assert vocabulary.bins_V[rollout.scaffold_T[geometry.slots_N4]].tolist() == geometry.boxes_N4.tolist()
    assert [each.desc for each in build.reordered(OBJECTS, matching).objects] == ["bird", "cat", "a big cat", "dog"]
    assert matched_geometry([], OBJECTS, match([], [])).slots_N4.shape == (0, 4)


def test_targets_are_parsed_back():
    build, vocabulary = builder(FUSED)
    target = build.canonical(OBJECTS)
    rollout = parse(target.ids_T, vocabulary)
    assert [(each.desc, each.box) for each in rollout.predictions] == [(each.desc, each.box) for each in target.objects]
    assert (np.array([each.slots for each in rollout.predictions]) == target.slots_N4).all()
    assert (rollout.dropped, rollout.truncated) == (0, False)
