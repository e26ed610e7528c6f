"""What plain numbers in a record are: the one name of the knob `space`. Token strings say what they are."""

from typing import Literal

from pydantic import Field

from railyard.core.config.component import Component

Space = Literal["auto", "pixels", "norm1000", "tokens"]
SPACE = (
    "what plain numbers of a record are (tokens say so themselves); auto: what its metadata.coordinate_space names, "
    "else pixels; tokens: none are wanted"
)


class SpaceOfScenes(Component, abstract=True):
    """The key that `railyard show` takes for scenes."""

    space: Space = Field("auto", description=f"of scenes: {SPACE}")
