import pytest
from stage2_fixtures import fixture
from toy_tokenizer import toy_vocabulary

from railyard.stage2.objective.stop import merged, stop_positions

CASES = fixture("06")["cases"]


def positions(text, fused=()):
    vocabulary = toy_vocabulary(text, fused=fused)
    ids = vocabulary.encode(text)
    return stop_positions(ids, vocabulary), ids, vocabulary


@pytest.mark.parametrize("case", [case for case in CASES if "error" not in case], ids=lambda case: case["name"])
def test_positions_are_those_of_the_cases(case):
    found, ids, vocabulary = positions(case["text"], tuple(case["fused"]))
    assert (found - case["prefix_len"]).tolist() == case["ignored_token_pos_rel_tail"]
    assert [vocabulary.pieces[ids[place]].decode() for place in found] == case["pieces_at"]
    assert merged(found, ids, vocabulary) == (case["pieces_at"][0] != "}")


@pytest.mark.parametrize(
    "text", ['{"a": {"b": 1}<|im_end|>', '{"a": "}"<|im_end|>}', '{"a": "}<|im_end|>', "}<|im_end|>", "<|im_end|>{}"]
)
def test_an_answer_without_its_close_is_refused(text):
    with pytest.raises(ValueError, match="no outermost closing brace"):
        positions(text)


@pytest.mark.parametrize(
    ("text", "places"),
    [
        ("{} }<|im_end|>", [1, 4]),
        ('{"é": "{"}}<|im_end|>', [9, 11]),
        ("{}<|im_end|><|im_end|>", [1, 2]),
        ("x{}<|im_end|>", [2, 3]),
    ],
)
def test_only_the_outermost_close_and_the_first_turn_end_stop(text, places):
    assert positions(text)[0].tolist() == places


@pytest.mark.parametrize("text", ["", "{}", '{"a": "}'])
def test_tokens_without_a_turn_end_are_no_answer(text):
    with pytest.raises(ValueError, match="no turn ends"):
        positions(text)
