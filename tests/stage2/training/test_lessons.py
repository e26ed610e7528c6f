"""Lessons of both channels: which boxes are learned where, which text, and the rows that are planned."""

import numpy as np
import pytest
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.rendering import render
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.objective.targets import TokenClass
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.scenes.records import SceneObject
from railyard.stage2.training.lessons import Teacher, denominators

CAT, DOG = SceneObject("cat", (9, 10, 400, 300)), SceneObject("dog", (500, 600, 700, 800))
OBJECTS = [CAT, DOG]
NEAR_DOG = SceneObject("dog", (510, 590, 720, 790))
GHOST = SceneObject("ghost", (900, 900, 950, 950))
VOCABULARY = toy_vocabulary('{"object_123456789": desc,bx[]}catdoghswlu')


def teacher(matching=None, **losses):
    gate = {"semantic_desc_gate": {"enabled": False}}
    objective = Stage2AB(schedule={"b_ratio": 0.5}, **{"channel_b": gate, **losses})
    knobs = RolloutMatching(**(matching or {}))
    return Teacher(VOCABULARY, objective, knobs, lambda: SemanticGate(None, 0.5))


def lesson_of(text, teach=None):
    teach = teach or teacher()
    ids = [*VOCABULARY.encode(text), VOCABULARY.im_end]
    (judged,) = teach.judge([OBJECTS], [ids])
    return teach.channel_b(OBJECTS, judged), judged


def test_channel_a_learns_every_box_in_its_target_and_how_to_stop():
    lesson = teacher(desc_ce_weight=3.0).channel_a([DOG, CAT])
    assert lesson.scaffold_T is None
    assert lesson.geometry.boxes_N4.tolist() == [list(CAT.box), list(DOG.box)]
    read = VOCABULARY.bins_V[lesson.target.ids_T[lesson.geometry.slots_N4]]
    assert read.tolist() == lesson.geometry.boxes_N4.tolist()
    assert set(lesson.weights_T[lesson.target.classes_T == TokenClass.STOP]) == {1.0}
    assert set(lesson.weights_T[lesson.target.classes_T == TokenClass.DESC]) == {3.0}


def test_channel_b_teaches_the_true_box_where_the_prediction_is_written():
    """Not the prediction's own box, which it would learn from nothing."""
    lesson, judged = lesson_of(render([GHOST, NEAR_DOG]))
    assert judged.matching.pairs == ((1, 1),)
    assert lesson.geometry.boxes_N4.tolist() == [list(DOG.box)]
    assert VOCABULARY.bins_V[lesson.scaffold_T[lesson.geometry.slots_N4]].tolist() == [list(NEAR_DOG.box)]
    assert np.abs(lesson.geometry.units_N4 * 999 - np.array(NEAR_DOG.box)).min() > 9


def test_a_prediction_without_a_partner_has_no_slot():
    lesson, judged = lesson_of(render([GHOST, NEAR_DOG]))
    ghost = set(judged.rollout.predictions[0].slots)
    assert not ghost & set(lesson.geometry.slots_N4.ravel().tolist())


def test_the_scaffold_ends_with_the_last_slot_that_is_read():
    lesson, judged = lesson_of(render([NEAR_DOG, GHOST]))
    assert len(lesson.scaffold_T) == judged.rollout.predictions[0].slots[-1] + 1 < len(judged.rollout.scaffold_T)


def test_without_a_pair_there_is_no_second_pass_and_the_target_is_the_truth():
    for text in (render([GHOST]), "x", '{"object_1": '):
        lesson, _ = lesson_of(text)
        assert lesson.scaffold_T is None
        assert lesson.geometry.slots_N4.shape == (0, 4)
        assert lesson.target.ids_T.tolist() == teacher().channel_a(OBJECTS).target.ids_T.tolist()


def test_dropped_entries_raise_the_weight_of_structure():
    channel_b = {"semantic_desc_gate": {"enabled": False}, "drop_invalid_struct_ce_multiplier": 2.0}
    text = render([NEAR_DOG])[:-1] + ', "object_2": {"desc": "cat"}}'
    lesson, judged = lesson_of(text, teacher(channel_b=channel_b))
    assert judged.rollout.dropped == 1
    assert set(lesson.weights_T[lesson.target.classes_T == TokenClass.STRUCTURE]) == {2.0}


def test_accepted_descriptions_weigh_nothing_and_the_gate_is_asked_once():
    asked = []

    class Gate(SemanticGate):
        def accepts(self, predicted, true):
            asked.append((list(predicted), list(true)))
            return super().accepts(predicted, true)

    teach = teacher()
    teach._gate = lambda: Gate(None, 0.5)
    ids = [VOCABULARY.encode(render([each])) for each in (NEAR_DOG, SceneObject("cow", NEAR_DOG.box), GHOST)]
    judged = teach.judge([OBJECTS] * 3, ids)
    assert asked == [(["dog", "cow"], ["dog", "dog"])]
    assert [one.accepted_M.tolist() for one in judged] == [[True], [False], []]
    weights = [teach.channel_b(OBJECTS, one) for one in judged]
    first = [lesson.weights_T[lesson.target.owners_T == 0].max() for lesson in weights]
    assert first == [0.0, 1.0, 1.0]


@pytest.mark.parametrize(("action", "kept"), [("drop", 2), ("stop", 1)])
def test_the_guard_takes_repeats_out_of_the_matching_and_leaves_the_counts(action, kept):
    teach = teacher({"repeat_guard": {"enabled": True, "action": action}})
    _, judged = lesson_of(render([NEAR_DOG, NEAR_DOG, CAT]), teach)
    assert (judged.counts.kept, judged.counts.matched) == (3, kept)


def test_denominators_are_all_planned_rows():
    teach = teacher(desc_ce_weight=0.5)
    lessons = [teach.channel_a(OBJECTS), lesson_of(render([NEAR_DOG]), teach)[0]]
    found = denominators(lessons)
    assert found["ce"] == sum(float(lesson.weights_T.sum()) for lesson in lessons)
    assert (found["bbox_ciou"], found["bbox_smoothl1"], found["coord_gate"]) == (3, 3, 12)
    assert set(denominators([]).values()) == {0.0}


def test_nothing_to_judge():
    assert teacher().judge([], []) == []
