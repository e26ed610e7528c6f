import itertools
import re
import unicodedata

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from qwen_like import qwen_like
from stage2_objects import scene_objects
from toy_tokenizer import toy_vocabulary

from railyard.core.errors import UserError
from railyard.stage2.language.encoding import ObjectEncoder
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.rendering import EMPTY, description, key, render
from railyard.stage2.language.tokenizer import vocabulary_of
from railyard.stage2.language.vocabulary import overlapping
from railyard.stage2.scenes.records import SceneObject

CATS = [SceneObject("black cat", (k, k, 999, 999)) for k in range(12)]
VOCABULARY = vocabulary_of(train_tokenizer([render(CATS)] * 3))
ENCODE = ObjectEncoder(VOCABULARY)
QWEN = vocabulary_of(qwen_like([render(CATS)] * 3))
ENCODE_QWEN = ObjectEncoder(QWEN)


def composed(each: SceneObject) -> SceneObject:
    return SceneObject(unicodedata.normalize("NFC", each.desc), each.box)


@settings(max_examples=60)
@given(st.lists(scene_objects(), max_size=12))
def test_segments_give_the_ids_of_the_whole_text(objects):
    assert ENCODE(objects).ids_T.tolist() == VOCABULARY.encode(render(objects))
    objects = [composed(each) for each in objects]
    assert ENCODE_QWEN(objects).ids_T.tolist() == QWEN.encode(render(objects))


@settings(max_examples=40)
@given(st.lists(scene_objects(), min_size=1, max_size=6))
def test_slots_and_descriptions_are_where_the_text_has_them(objects):
    encoded = ENCODE(objects)
    assert VOCABULARY.bins_V[encoded.ids_T[encoded.slots_N4]].tolist() == [list(each.box) for each in objects]
    text, places = VOCABULARY.join(encoded.ids_T)
    end = 0
    for number, each in enumerate(objects, start=1):
        piece = description(each.desc)
        begin = text.index(key(number).encode() + piece.text.encode(), end) + len(key(number))
        tokens = overlapping(places, begin + piece.value.start, begin + piece.value.stop)
        assert encoded.descs_N2[number - 1].tolist() == [tokens.start, tokens.stop]
        end = begin + len(piece.text.encode())


def test_a_token_that_begins_before_the_description_belongs_to_it():
    each = SceneObject("cat", (1, 2, 3, 4))
    vocabulary = toy_vocabulary(render([each]), fused=(' "c', 't", "'))
    encoded = ObjectEncoder(vocabulary)([each])
    first, end = encoded.descs_N2[0].tolist()
    assert vocabulary.join(encoded.ids_T[first:end])[0] == b' "cat", "'


def test_no_object():
    encoded = ENCODE([])
    assert VOCABULARY.join(encoded.ids_T)[0] == EMPTY.encode()
    assert (encoded.descs_N2.shape, encoded.slots_N4.shape) == ((0, 2), (0, 4))


def test_the_last_token_holds_the_outermost_close():
    for objects in ([], CATS[:1]):
        assert VOCABULARY.pieces[ENCODE(objects).ids_T[-1]].endswith(b"}")


def test_a_description_that_the_tokenizer_changes_is_refused():
    decomposed = "cafe\N{COMBINING ACUTE ACCENT}"
    with pytest.raises(UserError, match="write the description as the tokenizer does"):
        ENCODE_QWEN([SceneObject(decomposed, (0, 0, 1, 1))])


@pytest.mark.parametrize("token", ["<|im_end|>", "<|coord_5|>", "<|image_pad|>"])
def test_a_token_of_the_model_is_refused_in_a_description(token):
    with pytest.raises(UserError, match=f"holds {re.escape(token)}, which is a token"):
        ENCODE([SceneObject(f"cat {token}", (0, 0, 1, 1))])


def test_numbers_and_descriptions_are_encoded_once():
    calls = itertools.count()
    vocabulary = toy_vocabulary(render(CATS))
    plain = vocabulary.encode

    def counted(text: str) -> list[int]:
        next(calls)
        return plain(text)

    encode = ObjectEncoder(type(vocabulary)(vocabulary.pieces, vocabulary.coord_ids_1000, vocabulary.im_end, counted))
    for _ in range(3):
        encode(CATS)
    between_tail_and_empty, description_of_all, key_and_its_check = 3, 1, 2
    assert next(calls) == between_tail_and_empty + description_of_all + key_and_its_check * len(CATS)


def test_a_token_across_the_two_parts_is_refused():
    vocabulary = toy_vocabulary(render(CATS), fused=('{"desc',))
    with pytest.raises(UserError, match="the tokenizer joins punctuation and letters"):
        ObjectEncoder(vocabulary)(CATS)
