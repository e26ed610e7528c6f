from railyard.core.quoting import MOST, short


def test_a_long_value_is_cut():
    whole = "a" * (MOST - 2)
    assert short(whole) == f"'{whole}'"
    assert short(whole + "a") == "'" + "a" * (MOST - 4) + "..."
