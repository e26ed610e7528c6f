"""A value as a message quotes it: what stood in a user's file or config, cut where it is long."""

from typing import Any

MOST = 80  # characters


def short(value: Any) -> str:
    """`repr` of a value, with an ellipsis where it was cut."""
    text = repr(value)
    return text if len(text) <= MOST else text[: MOST - 3] + "..."
