import json

import pytest
from hypothesis import given
from hypothesis import strategies as st
from stage2_fixtures import fixture

from railyard.stage2.rollout.spans import desc_spans


@pytest.mark.parametrize("case", fixture("07")["cases"], ids=lambda case: case["text"][:30])
def test_spans_are_those_of_the_cases(case):
    text = case["text"].encode()
    spans = desc_spans(text)
    assert [list(span) for span in spans] == case["char_spans"]
    assert [text[slice(*span)].decode() for span in spans] == case["values"]


@pytest.mark.parametrize(
    ("text", "values"),
    [
        ('{"a": "desc", "b": 1}', []),
        ('{"a": "desc", "desc": "x"}', ["x"]),
        (r'{"a\"desc": "x", "desc": "\"desc\": \"y"}', [r"\"desc\": \"y"]),
        ('{"desc": 5, "desc": ["x"], "desc": "cut', []),
        ('{"desc": {"desc": "deep"}}', ["deep"]),
        ('{"désc": "x", "desc": "é"}', ["é"]),
    ],
)
def test_only_values_of_a_desc_key_count(text, values):
    assert [text.encode()[slice(*span)].decode() for span in desc_spans(text.encode())] == values


texts = st.text(st.sampled_from('desc"\\:{},é '), max_size=8)


@given(st.lists(st.dictionaries(st.just("desc") | texts, texts, max_size=3), max_size=4))
def test_spans_are_what_json_reads(objects):
    text = json.dumps(objects, ensure_ascii=False).encode()
    assert [json.loads(text[a - 1 : b + 1]) for a, b in desc_spans(text)] == [
        value for each in objects for key, value in each.items() if key == "desc"
    ]


def test_a_cut_string_takes_linear_time():
    assert desc_spans(b'"' + rb"\"" * 200_000) == []
