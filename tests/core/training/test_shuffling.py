"""The knobs of a windowed order make that order."""

import pytest
from pydantic import ValidationError

from railyard.core.store.order import WindowedOrder
from railyard.core.training.shuffling import Shuffling, Windowed


def test_the_knobs_make_the_order() -> None:
    found = Windowed(block_rows=3, window_blocks=2).order(50, 9)
    assert isinstance(found, WindowedOrder)
    assert found.take(0, 50).tolist() == WindowedOrder(50, 9, 3, 2).take(0, 50).tolist()


def test_three_default_windows_of_a_pack_are_as_large_as_the_help_says() -> None:
    assert 192e6 < Windowed().block_rows * Windowed().window_blocks * 46 < 194e6


@pytest.mark.parametrize("knob", ["block_rows", "window_blocks"])
def test_nothing_is_empty(knob: str) -> None:
    with pytest.raises(ValidationError, match="greater than or equal to 1"):
        Windowed(**{knob: 0})


def test_a_shuffling_has_to_be_named() -> None:
    with pytest.raises(ValidationError, match="_target_"):
        Shuffling.model_validate({})
