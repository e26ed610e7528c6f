"""What plain numbers in a record are: the one name of the knob `space`. Token strings say what they are."""

from typing import Literal

Space = Literal["auto", "pixels", "norm1000", "tokens"]
SPACE = (
    "what plain numbers of a record are (tokens say so themselves); auto: what its metadata.coordinate_space names, "
    "else pixels; tokens: none are wanted"
)
