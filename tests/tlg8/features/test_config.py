import json

import pytest
from pydantic import ValidationError

from railyard.tlg8.features.config import Features, refuse_answers

ANSWER = "score_bits_plain_none_min_by_predictor"


def test_the_fingerprint_is_that_of_the_values_and_not_of_the_words():
    one = Features(columns=["reorder_tv"])
    assert one.fingerprint() == Features(columns=["reorder_tv[0:4]", " reorder_tv[4:]"]).fingerprint()
    others = [Features(columns=["reorder_tv[0:4]"]), Features(columns=["reorder_tv"], pixels=False)]
    others.append(Features(columns=["reorder_tv[1]", "reorder_tv[0]"]))
    assert len({each.fingerprint() for each in [one, *others]}) == 4
    assert json.loads(json.dumps(one.canonical())) == one.canonical()
    assert one.canonical()["columns"][0] == {"name": "reorder_tv[0]", "price": "cheap"}


def test_inputs_and_price_are_those_of_all_columns():
    features = Features(columns=["reorder_tv", "score_bits_plain_hilbert_none_min_by_perm_top2pred"])
    assert (features.inputs, str(features.price)) == (192 + 8 + 6, "probe(192)")
    assert Features(columns=[]).inputs == 192


@pytest.mark.parametrize(
    ("settings", "reason"),
    [
        ({"columns": ["reorder_tv", "reorder_tv[3]"]}, r"reorder_tv\[3\] is there twice"),
        ({"columns": ["plane_l1", "plane_energy"]}, "400 values are more than 256"),
        ({"columns": [], "pixels": False}, "there has to be a feature"),
        ({"columns": [ANSWER]}, f"columns: {ANSWER} is known only after the whole search"),
        ({"columns": [f"ratio(reorder_tv, log1p({ANSWER}))"]}, "features.allow_answer=true admits it"),
        ({"columns": ["reorder_tvs"]}, "did you mean 'reorder_tv'"),
    ],
)
def test_what_cannot_be_is_refused(settings, reason):
    with pytest.raises(ValidationError, match=reason):
        Features(**settings)


def test_answers_are_for_two_modes_alone():
    leaky = Features(columns=[ANSWER], allow_answer=True)
    assert (leaky.is_leaky, str(leaky.price)) == (True, "answer")
    refuse_answers(leaky, "strict")
    refuse_answers(leaky, "ranking")
    refuse_answers(Features(columns=["reorder_tv"]), "topk")
    with pytest.raises(ValueError, match="the modes strict and ranking alone, this is topk"):
        refuse_answers(leaky, "topk")
