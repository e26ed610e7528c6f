from pathlib import Path

from railyard.core.errors import LONGEST_QUOTE, BadRecord, short


def test_a_long_value_is_cut():
    whole = "a" * (LONGEST_QUOTE - 2)
    assert short(whole) == f"'{whole}'"
    assert short(whole + "a") == "'" + "a" * (LONGEST_QUOTE - 4) + "..."


def test_a_bad_record_names_its_place():
    assert str(BadRecord(Path("a.png"), "it is empty")) == "a.png: it is empty"
    assert str(BadRecord(Path("a.jsonl"), "no board", 3)) == "a.jsonl, line 3: no board"
