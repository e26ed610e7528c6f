import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.core.making.parts import Part


@given(items=st.integers(0, 500), count=st.integers(1, 40))
def test_parts_in_turn_are_the_whole_and_differ_by_one_at_most(items, count):
    shares = [Part(index, count).of(items) for index in range(count)]
    assert [item for share in shares for item in share] == list(range(items))
    assert max(map(len, shares)) - min(map(len, shares)) <= 1


@pytest.mark.parametrize(
    ("text", "message"),
    [
        ("3/2", "expected one of 0/2 to 1/2, got 3/2"),
        ("2/2", "expected one of 0/2 to 1/2, got 2/2"),
        ("0/0", "expected one of 0/1, got 0/0"),
        ("1", "expected i/n as in part=0/2"),
        ("-1/2", "expected i/n"),
    ],
)
def test_what_is_no_part_is_explained(text, message):
    with pytest.raises(ValueError, match=message):
        Part.parse(text)


def test_a_part_is_written_as_it_is_read():
    assert str(Part.parse("1/3")) == "1/3"
