from collections import Counter
from random import Random

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_scan import entries_begun
from stage2_fixtures import fixture
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.rendering import render
from railyard.stage2.language.tokenizer import vocabulary_of
from railyard.stage2.rollout.parsing import BUCKETS, parse
from railyard.stage2.scenes.coordinates import TOKENS
from railyard.stage2.scenes.records import SceneObject

C = [f'"{token}"' for token in TOKENS]
BOX = f'"bbox_2d": [{C[1]}, {C[2]}, {C[3]}, {C[4]}]'
KEPT = f'"object_1": {{"desc": "a", {BOX}}}'
# the pieces that real byte-level tokenizers fuse
FUSED = ("}}", '"}', "]}", "]}}", '"]}', '"]}}', '": {"', '", "', ': ["', '"<', "{}", "t d", "é")

# what the reference did otherwise, by case: kept, dropped, the index that goes on
HERE = {
    "nested_pairs_bbox_is_ok": (0, {"wrong_arity": 1}, 2),
    "truncated_in_string": (1, {"truncated": 1}, 2),
    "foreign_key_silently_ignored_not_counted": (1, {"key_invalid": 1}, 3),
    "invalid_last_object_key_collision": (1, {"non_coord_token": 1}, 3),
    "im_end_inside_desc_cuts_rollout": (0, {"truncated": 1}, 1),
    "empty_desc": (0, {"missing_desc": 1}, 2),
    "missing_geom": (0, {"missing_geom": 1}, 2),
    "wrong_arity_3": (0, {"wrong_arity": 1}, 2),
    "wrong_arity_empty": (0, {"wrong_arity": 1}, 2),
    "non_coord_digit_string": (0, {"non_coord_token": 1}, 2),
    "extra_text_token_first_gives_5_elements": (0, {"wrong_arity": 1}, 2),
    "extra_key_score": (0, {"key_invalid": 1}, 2),
    "poly_4_coords_wrong_arity": (0, {"wrong_arity": 1}, 2),
    "nested_dict_value_json_ok_but_extra_key": (0, {"key_invalid": 1}, 2),
}


def parsed(text, fused=()):
    vocabulary = toy_vocabulary(text, fused=fused)
    ids = vocabulary.encode(text)
    return parse(ids, vocabulary), ids, vocabulary


def drops(text):
    return {bucket: count for bucket, count in parsed(text)[0].drops.items() if count}


def assert_sound(rollout, ids, vocabulary):
    """What holds of every rollout: all entries counted once, and each slot the token of its coordinate."""
    assert len(rollout.predictions) + rollout.dropped == rollout.begun
    assert tuple(rollout.drops) == BUCKETS
    for prediction in rollout.predictions:
        assert tuple(vocabulary.bins_V[np.asarray(ids)[list(prediction.slots)]]) == prediction.box
        assert tuple(vocabulary.bins_V[rollout.scaffold_T[list(prediction.slots)]]) == prediction.box


@pytest.mark.parametrize("case", fixture("05")["cases"], ids=lambda case: case["name"])
def test_rollouts_are_read_as_the_cases_say(case):
    rollout, ids, vocabulary = parsed(case["text"])
    kept, dropped, following = HERE.get(case["name"], (case["N_valid_pred"], case["reasons"], case["fn_start_index"]))
    assert len(rollout.predictions) == kept
    assert {bucket: count for bucket, count in rollout.drops.items() if count} == dropped
    assert rollout.next_index == following
    assert rollout.truncated == case["truncated"]
    if kept:
        found = [{"index": p.index, "desc": p.desc, "bins": list(p.box)} for p in rollout.predictions]
        assert found == case["kept"]
    assert vocabulary.join(rollout.scaffold_T)[0].decode() == case["prefix_text"]
    assert_sound(rollout, ids, vocabulary)


@pytest.mark.parametrize(
    ("text", "following"),
    [
        ('{"object_9": 3, "object_1": {"desc": "a"}', 10),
        ('{"object_9": "b", "object_1": {}, "object_20": ', 10),
        ('{"object_1": {"desc": "a"}, "object_9": 3', 2),
    ],
)
def test_every_key_up_to_the_last_whole_object_is_counted(text, following):
    assert parsed(text)[0].next_index == following


@pytest.mark.parametrize(
    ("entry", "bucket"),
    [
        ('"object_1": {"desc": "a"', "truncated"),
        ('"thing": {"desc": "a"', "truncated"),
        ('"object_1": 5}', "key_invalid"),
        ('"object_1": {"desc": NaN}}', "key_invalid"),
        ('"object_1": {"desc": ' + "9" * 9000 + "}}", "key_invalid"),
        ('"object_1": {"desc": ' + "[" * 3000 + "]" * 3000 + "}}", "key_invalid"),
        (f'"object_{"1" * 5000}": {{"desc": "a", {BOX}}}}}', "key_invalid"),
        (f'"object_x": {{"desc": "a", {BOX}}}}}', "key_invalid"),
        (f'" object_1": {{"desc": "a", {BOX}}}}}', "key_invalid"),
        (f'"object_1\\n": {{"desc": "a", {BOX}}}}}', "key_invalid"),
        (f'"object_1": {{"desc": "a", "desc": "b", {BOX}}}}}', "key_invalid"),
        (f'"object_1": {{"desc": "a", {BOX}, {BOX}}}}}', "key_invalid"),
        (f'"object_1": {{"desc": "a", {BOX},}}}}', "key_invalid"),
        (f'"object_1": {{"desc": "\\ud800", {BOX}}}}}', "key_invalid"),
        (f'"object_1": {{{BOX}}}}}', "missing_desc"),
        (f'"object_1": {{"desc": 5, {BOX}}}}}', "missing_desc"),
        (f'"object_1": {{"desc": " \\n", {BOX}, "x": 1}}}}', "missing_desc"),
        ('"object_1": {}}', "missing_desc"),
        ('"object_1": {"desc": 1e99999}}', "missing_desc"),
        ('"object_1": {"desc": "a"}}', "missing_geom"),
        ('"object_1": {"desc": "a", "bbox": [1], "x": 2}}', "unknown_geom"),
        ('"object_1": {"desc": "a", "bbox_2d": [1], "poly": [2]}}', "key_invalid"),
        ('"object_1": {"desc": "a", "bbox_2d": {}, "x": 1}}', "key_invalid"),
        ('"object_1": {"desc": "a", "bbox_2d": {}}}', "wrong_arity"),
        ('"object_1": {"desc": "a", "bbox_2d": [[]], "bbox_2d": [[]]}}', "wrong_arity"),
        ('"object_1": {"desc": "a", "bbox_2d": "1 2 3 4"}}', "wrong_arity"),
        ('"object_1": {"desc": "a", "bbox_2d": [1, 2, 3, [4]]}}', "wrong_arity"),
        ('"object_1": {"desc": "a", "bbox_2d": [1, 2, 3, null]}}', "non_coord_token"),
        (f'"object_1": {{"desc": "a", "bbox_2d": [{C[1]}, {C[2]}, {C[3]}, "{TOKENS[4]} "]}}}}', "non_coord_token"),
        (f'"object_1": {{"desc": "a", "bbox_2d": [{C[1]}, {C[2]}, {C[3]}, "{TOKENS[4] * 2}"]}}}}', "non_coord_token"),
        (f'"object_1": {{"desc": "a", "bbox_2d": [{C[1]}, {C[2]}, {C[3]}, ""]}}}}', "non_coord_token"),
        (f'"object_1": {{"desc": "a", "bbox_2d": [{C[1]}, {C[2]}, {C[3]}, {TOKENS[4]}]}}}}', "key_invalid"),
        (f'"object_1": {{"desc": "a", "bbox_2d": [{C[5]}, {C[2]}, {C[3]}, {C[4]}]}}}}', "bbox_invalid"),
        (f'"object_1": {{"desc": "a", "poly": [{", ".join(C[:5])}]}}}}', "wrong_arity"),
        (f'"object_1": {{"desc": "a", "poly": [{", ".join(C[:7])}]}}}}', "wrong_arity"),
        ('"object_1": {"desc": "a", "poly": [1, 2, 3, 4, 5, 6]}}', "non_coord_token"),
        (f'"object_1": {{"desc": "a", "poly": [{", ".join(C[:6])}]}}}}', "poly_unsupported"),
    ],
)
def test_each_fault_has_its_bucket(entry, bucket):
    assert drops("{" + entry) == {bucket: 1}
    assert drops("{" + KEPT + ", " + entry) == {bucket: 1}


def test_a_coordinate_spelled_with_ordinary_tokens_is_none():
    text = f"{{{KEPT}}}"
    vocabulary = toy_vocabulary(text, "<|coord_>")
    spelled = [vocabulary.pieces.index(character.encode()) for character in TOKENS[2]]
    ids = vocabulary.encode(text)
    at = ids.index(2)
    rollout = parse([*ids[:at], *spelled, *ids[at + 1 :]], vocabulary)
    assert rollout.drops["non_coord_token"] == 1


def test_a_turn_ends_by_its_id_and_not_by_text():
    vocabulary = toy_vocabulary("<|im_end|>", KEPT, "{}")
    spelled = [vocabulary.pieces.index(character.encode()) for character in "<|im_end|>"]
    head, tail = vocabulary.encode('{"object_1": {"desc": "'), vocabulary.encode(f'", {BOX}}}}}')
    (kept,) = parse([*head, *spelled, *tail], vocabulary).predictions
    assert kept.desc == "<|im_end|>"
    assert parse([*head, vocabulary.im_end, *tail], vocabulary).drops["truncated"] == 1


@pytest.mark.parametrize(
    "members",
    [
        f'"desc": "{TOKENS[9]} at {TOKENS[8]}", {BOX}',
        f'{BOX}, "desc": "{TOKENS[9]}"',
        f' "desc"  :\n"{TOKENS[9]}",{BOX.replace(" ", "")}',
    ],
)
def test_coordinates_of_a_description_are_no_slots(members):
    rollout, ids, vocabulary = parsed(f'{{"object_3": {{{members}}}}}')
    (kept,) = rollout.predictions
    assert kept.box == (1, 2, 3, 4)
    assert [ids[slot] for slot in kept.slots] == [1, 2, 3, 4]
    assert_sound(rollout, ids, vocabulary)


@pytest.mark.parametrize(
    ("text", "kept", "truncated"),
    [
        ("{}", 0, False),
        ("", 0, True),
        ("I see nothing.", 0, True),
        (f"Here: {{{KEPT}}} and {{{KEPT}}}", 1, False),
        (f"{{{KEPT}}}, {KEPT}", 1, False),
        (f"{{{KEPT}", 1, True),
    ],
)
def test_only_the_first_outermost_object_counts(text, kept, truncated):
    rollout, *_ = parsed(text)
    assert (len(rollout.predictions), rollout.begun, rollout.truncated) == (kept, kept, truncated)


def test_descriptions_survive_tokens_that_end_inside_characters():
    text = f'{{"object_1": {{"desc": "é 猫", {BOX}}}}}'
    vocabulary = toy_vocabulary(text)
    bytewise = np.array([len(vocabulary.pieces) + byte for byte in "é 猫".encode()])
    pieces = (*vocabulary.pieces, *(bytes([byte]) for byte in range(256)))
    vocabulary = type(vocabulary)(pieces, vocabulary.coord_ids_1000, vocabulary.im_end, vocabulary.encode)
    at = text.index("é")
    head, tail = vocabulary.encode(text[:at]), vocabulary.encode(text[at + 3 :])
    (kept,) = parse(np.concatenate([head, bytewise, tail]).astype(np.int64), vocabulary).predictions
    assert kept.desc == "é 猫"
    broken = parse(np.concatenate([head, bytewise[1:], tail]).astype(np.int64), vocabulary)
    assert broken.drops["key_invalid"] == 1


def test_a_token_that_goes_on_beyond_the_last_object_is_encoded_anew():
    rollout, ids, vocabulary = parsed(f"{{{KEPT}}}", FUSED)
    assert vocabulary.pieces[ids[-1]] == b'"]}}'
    assert rollout.scaffold_T[:-1].tolist() == ids[:-1]
    assert vocabulary.pieces[rollout.scaffold_T[-1]] == b'"]}'
    assert_sound(rollout, ids, vocabulary)


def test_a_token_that_begins_inside_a_character_takes_its_neighbour_along():
    vocabulary = toy_vocabulary('{"object_1": é}')
    pieces = (*vocabulary.pieces, "é".encode()[:1], "é".encode()[1:] + b"}}")
    vocabulary = type(vocabulary)(pieces, vocabulary.coord_ids_1000, vocabulary.im_end, vocabulary.encode)
    split = [len(pieces) - 2, len(pieces) - 1]
    rollout = parse([*vocabulary.encode('{"object_1": {'), *split], vocabulary)
    assert vocabulary.join(rollout.scaffold_T)[0].decode() == '{"object_1": {é}'
    lost = parse([*vocabulary.encode('{"object_1": {'), split[1]], vocabulary)
    assert vocabulary.join(lost.scaffold_T)[0].decode() == '{"object_1": {}'


def test_ids_that_the_vocabulary_lacks_are_no_text():
    vocabulary = toy_vocabulary(KEPT, "{}")
    ids, lacking = vocabulary.encode(f"{{{KEPT}}}"), [len(vocabulary.pieces), 2**40]
    (kept,) = parse(ids, vocabulary).predictions
    for at in range(len(ids) + 1):
        strewn = [*ids[:at], *lacking, *ids[at:]]
        rollout = parse(strewn, vocabulary)
        assert [(each.desc, each.box) for each in rollout.predictions] == [(kept.desc, kept.box)]
        assert_sound(rollout, strewn, vocabulary)
    assert parse(lacking, vocabulary).begun == 0


bins = st.integers(0, 999)
boxes = st.tuples(bins, bins, bins, bins).map(
    lambda b: (min(b[0], b[2]), min(b[1], b[3]), max(b[0], b[2]), max(b[1], b[3]))
)
descs = st.text(st.sampled_from('aé猫 "\\{}[],:1\n'), min_size=1, max_size=6).filter(str.strip)
scenes = st.lists(st.builds(SceneObject, descs, boxes), max_size=4)


def assert_identity(objects, vocabulary):
    ids = [*vocabulary.encode(render(objects)), vocabulary.im_end]
    rollout = parse(ids, vocabulary)
    assert [(p.desc, p.box) for p in rollout.predictions] == [(each.desc, each.box) for each in objects]
    assert [p.index for p in rollout.predictions] == list(range(1, len(objects) + 1))
    assert rollout.begun == len(objects)
    assert not rollout.truncated
    assert_sound(rollout, ids, vocabulary)


@settings(max_examples=60)
@given(scenes, st.booleans())
def test_what_is_rendered_is_parsed(objects, fused):
    assert_identity(objects, toy_vocabulary(render(objects), fused=FUSED if fused else ()))


@pytest.fixture(scope="module")
def byte_level():
    """A tokenizer in which closes are fused and characters cut."""
    corpus = [render([SceneObject(desc, (1, 2, 3, 4))] * n) for n, desc in enumerate(["a", "é 猫", '1"'], 1)]
    vocabulary = vocabulary_of(train_tokenizer(corpus, 400))
    assert b'"]}}' in vocabulary.pieces
    return vocabulary


@settings(max_examples=60)
@given(objects=scenes)
def test_what_is_rendered_is_parsed_from_a_byte_level_tokenizer(byte_level, objects):
    assert_identity(objects, byte_level)


SCRAPS = ['"', "\\", "{", "}", "[", "]", ",", ":", " ", "null", "1e999", '"object_1"', '"poly"', '"x": 1, ', TOKENS[7]]
SEEDS = [
    "{" + ", ".join([KEPT, KEPT.replace("_1", "_2"), KEPT.replace('"a"', '"猫 \\" } {"')]) + "}",
    f'{{"object_1": {{{BOX}, "desc": "b"}}, "other": [1, {{"object_2": 2}}], "object_4": {{"desc": "c"}}}}',
    f'{{"object_1": {{"desc": "d", "poly": [{", ".join(C[:6])}]}}, "object_2": {{"desc": "e", "box": []}}, '
    f'"object_3": {{"desc": "f", {BOX.replace(C[2], C[9])}}}}}',
]


def mutated(random):
    text = random.choice(SEEDS)
    for _ in range(random.randint(1, 6)):
        at, length = random.randrange(len(text) + 1), random.choice([0, 1, 1, 2, 12])
        text = text[:at] + random.choice(["", *SCRAPS]) + text[at + length :]
    return text[: random.randrange(len(text) + 1)] if random.random() < 0.3 else text


def assert_counted(seed, count):
    random = Random(seed)
    vocabularies = [toy_vocabulary(*SEEDS, *SCRAPS, "<|coord_>" + "".join(TOKENS), fused=f) for f in ((), FUSED)]
    kept, dropped = 0, Counter()
    for number in range(count):
        text, vocabulary = mutated(random), vocabularies[number % 2]
        ids = vocabulary.encode(text)
        rollout = parse(ids, vocabulary)
        assert rollout.begun == entries_begun(text), text
        assert_sound(rollout, ids, vocabulary)
        kept, dropped = kept + len(rollout.predictions), dropped + Counter(rollout.drops)
    # else little was tested
    assert kept > count // 8
    assert min(dropped[bucket] for bucket in BUCKETS) > count // 1000


def test_entries_of_mutated_rollouts_are_kept_or_dropped():
    assert_counted(seed=0, count=2000)


@pytest.mark.slow
def test_entries_of_100_000_mutated_rollouts_are_kept_or_dropped():
    assert_counted(seed=1, count=100_000)
