"""The gate with an encoder of a few fixed vectors that counts its calls."""

import numpy as np
import pytest

from railyard.stage2.objective.semantic_gate import SemanticGate, normalise

# radians: cos 0.5 is 0.88, cos 1.2 is 0.36
ANGLES = {
    "cat": 0.0,
    "kitten": 0.5,
    "black cat": 0.3,
    "dog": 1.2,
    "car": 1.6,
}


class Encoder:
    def __init__(self):
        self.calls = []

    def __call__(self, texts):
        self.calls.append(list(texts))
        angles = np.array([ANGLES.get(text, 3.0) for text in texts])
        return np.stack([np.cos(angles), np.sin(angles)], axis=1).astype(np.float32)


@pytest.mark.parametrize(
    ("description", "normal"),
    [("Black_Cat", "black cat"), ("  cup/mug ( red )  ", "cup mug red"), ("café\tnoir", "café noir"), ("_", "")],
)
def test_normalise(description, normal):
    assert normalise(description) == normal
    assert normalise(normal) == normal


def test_near_in_meaning_is_accepted_far_is_not():
    encoder = Encoder()
    gate = SemanticGate(encoder, threshold=0.5)
    verdicts = gate.accepts(["kitten", "dog", "cat", "Cat"], ["cat", "cat", "car", "(cat)"])
    assert verdicts.tolist() == [True, False, False, True]
    assert encoder.calls == [["kitten", "cat", "dog", "car"]]
    assert gate.is_active


def test_the_threshold_itself_is_accepted():
    encode = lambda texts: np.array([[1, 0] if text == "a" else [0.5, 0.75**0.5] for text in texts], np.float32)  # noqa: E731
    assert SemanticGate(encode, threshold=0.5).accepts(["a"], ["b"]).tolist() == [True]
    assert SemanticGate(encode, threshold=0.501).accepts(["a"], ["b"]).tolist() == [False]


def test_equal_words_need_no_model():
    encoder = Encoder()
    for gate in (SemanticGate(encoder, 0.5), SemanticGate(None, 0.5)):
        assert gate.accepts(["A cup/mug"], ["a cup mug"]).tolist() == [True]
        assert gate.accepts([], []).tolist() == []
    assert encoder.calls == []


def test_without_a_model_only_equal_words_count():
    gate = SemanticGate(None, threshold=0.0)
    assert gate.accepts(["kitten", "cat"], ["cat", "CAT"]).tolist() == [False, True]
    assert not gate.is_active


def test_five_hundred_pairs_are_one_call_and_repeats_none():
    encoder = Encoder()
    gate = SemanticGate(encoder, threshold=0.5)
    predicted, true = [f"thing {i % 40}" for i in range(500)], [f"object {i % 30}" for i in range(500)]
    first = gate.accepts(predicted, true)
    assert len(encoder.calls) == 1
    assert len(encoder.calls[0]) == 70
    assert (gate.accepts(predicted, true) == first).all()
    assert len(encoder.calls) == 1
    gate.accepts(["cat", "thing 0"], ["thing 0", "object 1"])
    assert encoder.calls[1:] == [["cat"]]


def test_the_cache_keeps_the_newest():
    encoder = Encoder()
    gate = SemanticGate(encoder, threshold=0.5, cached_texts=3)
    assert gate.accepts(["cat", "kitten"], ["dog", "car"]).tolist() == [False, False]  # one more than it keeps
    gate.accepts(["car"], ["kitten"])
    gate.accepts(["black cat"], ["car"])
    gate.accepts(["car"], ["kitten"])
    assert encoder.calls[1:] == [["black cat"]]
    gate.accepts(["cat"], ["car"])
    assert encoder.calls[2:] == [["cat"]]


def test_sides_of_different_length():
    with pytest.raises(ValueError, match="argument 2 is shorter"):
        SemanticGate(None, 0.5).accepts(["cat"], [])
