import re

import pytest

from railyard.tlg8.features.catalogue import KEYS
from railyard.tlg8.features.expressions import columns_of


def names(*texts):
    return [column.name for column in columns_of(texts)]


def test_a_key_is_all_its_values_and_a_stretch_some():
    assert names("reorder_tv") == [f"reorder_tv[{place}]" for place in range(8)]
    assert names("reorder_tv[2:4]", "reorder_tv[7]") == ["reorder_tv[2]", "reorder_tv[3]", "reorder_tv[7]"]
    assert names("reorder_tv[6:]") == names("reorder_tv[6:8]")
    assert names("score_best_residual_energy") == ["score_best_residual_energy"]


def test_transforms_are_named_by_what_they_are_of():
    assert names("log1p(reorder_tv[0])") == ["log1p(reorder_tv[0])"]
    assert names("clip( reorder_tv[0] ,-1, 2.5)") == ["clip(reorder_tv[0], -1, 2.5)"]
    assert names("ratio(reorder_tv[0:2], plane_l1[1])") == [
        "ratio(reorder_tv[0], plane_l1[1])",
        "ratio(reorder_tv[1], plane_l1[1])",
    ]


def test_steps_are_in_postfix_order():
    (column,) = columns_of(["log1p(difference(reorder_tv[1], plane_l1[0]))"])
    assert [step.operation for step in column.steps] == ["load", "load", "difference", "log1p"]
    assert column.steps[0].first == KEYS["reorder_tv"].start + 1
    assert column.keys == ("reorder_tv", "plane_l1")


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "is no feature"),
        ("reorder tv", "is no feature"),
        ("reorder_tvs", "did you mean 'reorder_tv'?"),
        ("proj_reorder_bits", "is a target, the answer itself"),
        ("exp(reorder_tv)", "there is no transform 'exp'"),
        ("log1p(reorder_tv, 2)", "log1p takes 1 arguments, got 2"),
        ("log1p(log1p(log1p(log1p(log1p(log1p(log1p(reorder_tv)))))))", "nests more than 6"),
        ("reorder_tv[8]", "has 8 values, 0 to 7"),
        ("reorder_tv[4:2]", "has 8 values"),
        ("reorder_tv[0:8:2]", "a stretch is written as"),
        ("reorder_tv[-1]", "counted from 0"),
        ("log1p(reorder_tv)[0]", "only a key has numbered values"),
        ("clip(reorder_tv, 2, 1)", "from a smaller to a larger"),
        ("clip(reorder_tv, 1, x)", "has to be a number"),
        ("bins(reorder_tv, 65)", "bins are from 2 to 64"),
        ("bins(reorder_tv, 2.5)", "bins are from 2 to 64"),
        ("sum(reorder_tv, plane_l1[0:3])", "sum of 8 and 3 values"),
        ("reorder_tv + 1", "is neither a key nor a transform"),
        ("__import__('os').getpid()", "is neither a key nor a transform"),
        ("(" * 500 + "reorder_tv" + ")" * 500, "is no feature"),
    ],
)
def test_what_is_no_feature_is_named(text, reason):
    with pytest.raises(ValueError, match=re.escape(reason)):
        columns_of([text])
