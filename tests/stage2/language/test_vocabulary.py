import itertools

from hypothesis import given
from hypothesis import strategies as st
from stage2_fixtures import fixture
from toy_tokenizer import toy_vocabulary

from railyard.stage2.language.vocabulary import overlapping


def test_ids_join_to_their_bytes():
    text = '{"a": "<|coord_5|>é"}<|im_end|>'
    vocabulary = toy_vocabulary(text)
    ids = vocabulary.encode(text)
    joined, places = vocabulary.join(ids)
    assert joined == text.encode()
    assert [joined[a:b] for a, b in itertools.pairwise(places)] == [vocabulary.pieces[i] for i in ids]
    assert [int(k) for k in vocabulary.bins_V[ids] if k >= 0] == [5]
    assert ids[-1] == vocabulary.im_end


def test_tokens_that_touch_a_span():
    case = fixture("07")["token_overlap_case"]
    vocabulary = toy_vocabulary(case["text"], fused=tuple(piece for piece in case["pieces"] if len(piece) > 1))
    _, places = vocabulary.join(vocabulary.encode(case["text"]))
    (span,) = fixture("07")["cases"][0]["char_spans"]
    assert list(range(len(places) - 1))[overlapping(places, *span)] == case["token_positions"]


@given(st.text("ab}", max_size=12), st.data())
def test_overlap_is_a_shared_byte(text, data):
    vocabulary = toy_vocabulary(text, fused=("ab", "}}"))
    _, places = vocabulary.join(vocabulary.encode(text))
    start, end = data.draw(st.tuples(st.integers(0, len(text)), st.integers(0, len(text))))
    touched = [t for t in range(len(places) - 1) if set(range(places[t], places[t + 1])) & set(range(start, end))]
    assert list(range(len(places) - 1))[overlapping(places, start, end)] == touched


def test_an_unknown_id_stands_for_nothing():
    vocabulary = toy_vocabulary("ab")
    a, b = vocabulary.encode("ab")
    joined, places = vocabulary.join([7, 5000, a, -1, b])
    assert joined == b"<|coord_7|>ab"
    assert places.tolist() == [0, 11, 11, 12, 12, 13]
    assert vocabulary.bins([7, 5000, a, -1, b]).tolist() == [7, -1, -1, -1, -1]
