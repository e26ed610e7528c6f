import json

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from slow_scan import entries_begun
from stage2_fixtures import fixture

from railyard.stage2.rollout.scan import desc_spans, outermost_close, scan

WHOLE = b'{"desc": "a"}'


def keys(text):
    return [entry.key for entry in scan(text).entries]


@pytest.mark.parametrize(
    ("text", "begun"),
    [
        (b'{"object_1": {}, "object_2": {}}', [b"object_1", b"object_2"]),
        (b'{"a": "object_1", {}, "object_2": 5}', [b"a", b"object_2"]),
        (b'{"a": [{"object_1": {}}, "object_2", {}], "b": {"object_3": {}}}', [b"a", b"b"]),
        (b'{"a": {"x": [1}, "b": {}}', [b"a", b"b"]),
        (b'{"a": {} "b": {}, "c": {}}', [b"a", b"b", b"c"]),
        (b'{"a": "b" "c" "d" : {}}', [b"a", b"d"]),
        (b'{"a": "b": {}}', [b"a"]),
        (b'{"a": 1}, "b": {}}', [b"a"]),
        (b'well: {"a\\"b": {}', [b'a\\"b']),
        (b'{"a', []),
        (b'{"a\\"', []),
        (b'{"a\\', []),
        (b'{"a"', [b"a"]),
        (b'{"a" "b": {}}', [b"a"]),
        (b'{5 "a": {}}', [b"a"]),
        (b'{]]"a": {}}', [b"a"]),
        (b'"a": {}', []),
        (b"", []),
        (b'{,,"a":}', [b"a"]),
    ],
)
def test_a_key_begins_an_entry(text, begun):
    assert keys(text) == begun
    assert entries_begun(text.decode()) == len(begun)


@pytest.mark.parametrize(
    ("text", "cut", "has_body"),
    [
        (b'{"a"', True, False),
        (b'{"a":', True, False),
        (b'{"a": {"b": 1', True, False),
        (b'{"a": {"b": "}', True, False),
        (b'{"a"}', False, False),
        (b'{"a", ', False, False),
        (b'{"a": 5', False, False),
        (b'{"a": "half', False, False),
        (b'{"a": [{}', False, False),
        (b'{"a": {}', False, True),
        (b'{"a": {} rubbish {', False, True),
    ],
)
def test_what_an_entry_came_to(text, cut, has_body):
    entry = scan(text).entries[0]
    assert (entry.cut, entry.body is not None) == (cut, has_body)


@pytest.mark.parametrize(
    ("text", "prefix", "closed"),
    [
        (b"", 0, False),
        (b"no object", 0, False),
        (b"{", 1, False),
        (b"ah {", 4, False),
        (b"{}", 1, True),
        (b'{"a": ' + WHOLE + b', "b": {"desc', 6 + len(WHOLE), False),
        (b'{"a": ' + WHOLE + b"}", 6 + len(WHOLE), True),
        (b'{"a": ' + WHOLE + b', "b": 5}', 6 + len(WHOLE), True),
        (b'{"a": ' + WHOLE + b', "b": [{}]}', 6 + len(WHOLE), True),
    ],
)
def test_the_prefix_ends_with_the_last_whole_object(text, prefix, closed):
    found = scan(text)
    assert (found.prefix, found.closed) == (prefix, closed)


def test_a_body_ends_with_its_own_brace():
    text = rb'{"a": {"x": "\"}", "y": {"z": ["w:"]}}}'
    assert text[slice(*scan(text).entries[0].body)] == rb'{"x": "\"}", "y": {"z": ["w:"]}}'


marks = st.lists(st.sampled_from(['"', "\\", "{", "}", "[", "]", ":", ",", " ", "a", "1", '"a": {', "\n"]), max_size=25)


@settings(max_examples=300)
@given(marks.map("".join))
def test_entries_are_those_of_the_slow_automaton(text):
    text = "{" + text
    found = scan(text.encode())
    assert len(found.entries) == entries_begun(text)
    assert found.closed == (outermost_close(text.encode()) >= 0)


@given(marks.map("".join), marks.map("".join))
def test_what_closed_stays(text, more):
    text = '{"a": {"b": "c"}, ' + text
    before, after = scan(text.encode()), scan((text + more).encode())
    settled = [(entry.key, entry.body) for entry in before.entries if entry.body]
    assert [(entry.key, entry.body) for entry in after.entries if entry.body][: len(settled)] == settled
    assert after.prefix >= before.prefix


@pytest.mark.parametrize("unit", ["{", "[", '"', "\\", '{"a":', '"a",', '"\\"', "}", '{"a": {"b": [', "1 ", ","])
def test_a_long_text_of_one_kind_takes_linear_time(unit):
    text = b'{"a": {' + unit.encode() * (400_000 // len(unit))
    scan(text)
    scan(text[7:])
    outermost_close(text)


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
