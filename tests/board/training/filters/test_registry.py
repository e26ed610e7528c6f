import pytest

from railyard.board.training.filters.filter import Filter
from railyard.board.training.filters.registry import FILTERS, filter_of, said, shown
from railyard.core.errors import UserError


def test_names_and_parameters():
    assert sorted(FILTERS) == [
        *("high_entropy", "low_confidence", "passthrough", "query"),
        *("student_wrong_p1", "teacher_margin", "top_k_disagreements"),
    ]
    top = filter_of({"name": "top_k_disagreements", "params": {"k": 5}})
    assert filter_of(top) is top
    assert said(top) == {"name": "top_k_disagreements", "params": {"k": 5}}
    assert said(filter_of("random_all")) == said(filter_of({"name": "all"})) == {"name": "passthrough", "params": {}}


def test_every_parameter_and_input_is_described():
    for cls in FILTERS.values():
        assert cls.__doc__
        assert all(field.description for field in cls.model_fields.values())


@pytest.mark.parametrize(
    ("named", "message"),
    [
        ("student_wrng_p1", "there is no filter 'student_wrng_p1'; did you mean 'student_wrong_p1'"),
        ({}, "there is no filter None; known: passthrough, student_wrong_p1"),
        ({"name": "query", "where": "a>1"}, r"keys name and params, got 'where': write params: \{where"),
        (
            {"name": "low_confidence", "params": {"max_probs": 0.5}},
            "low_confidence has no parameter 'max_probs'; did you mean 'max_prob'",
        ),
        ({"name": "passthrough", "params": {"k": 1}}, "passthrough has no parameter 'k'; it has none"),
        ("top_k_disagreements", "needs the parameter k .rows that are kept at most.: write params: .k"),
        (
            {"name": "top_k_disagreements", "params": {"k": 0}},
            "top_k_disagreements.k: must be greater than or equal to 1",
        ),
        ({"name": "low_confidence", "params": {"max_prob": "x"}}, "low_confidence.max_prob: must be a valid number"),
        ({"name": "query", "params": {"where": "a!!1"}}, "query.where: where: there is no operator '!!'"),
        ({"name": "passthrough", "params": 3}, "params holds the filter's parameters by name, got 3"),
    ],
)
def test_mistakes(named, message):
    with pytest.raises(UserError, match=message):
        filter_of(named)


class Mine(Filter):
    least: int = 3


def test_a_users_own_is_told_apart_by_its_file():
    found = said(Mine())
    assert found["name"] == shown(Mine()) == f"{__name__}.Mine"
    assert found["params"] == {"least": 3}
    assert len(found["code"]) == 64
