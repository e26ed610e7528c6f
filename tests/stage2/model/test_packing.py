import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.stage2.model.packing import pack


@given(st.lists(st.integers(1, 500), min_size=1, max_size=40))
def test_each_sample_has_a_place_of_its_own(lengths):
    rows = pack(lengths)
    taken = [(row, token) for row, begin, sample in rows.places() for token in range(begin, begin + lengths[sample])]
    assert sorted(sample for _, _, sample in rows.places()) == list(range(len(lengths)))
    assert len(set(taken)) == len(taken) == sum(lengths)
    assert max(token for _, token in taken) < rows.length


def test_short_samples_fill_what_a_long_one_leaves():
    rows = pack([10, 50, 30, 20])
    assert rows.length == 60 if len(rows.members) == 2 else rows.length <= 110


def test_no_sample_cannot_be_packed():
    with pytest.raises(ValueError, match="empty"):
        pack([])
