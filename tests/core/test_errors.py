from railyard.core.errors import LONGEST_QUOTE, short


def test_a_long_value_is_cut():
    whole = "a" * (LONGEST_QUOTE - 2)
    assert short(whole) == f"'{whole}'"
    assert short(whole + "a") == "'" + "a" * (LONGEST_QUOTE - 4) + "..."
