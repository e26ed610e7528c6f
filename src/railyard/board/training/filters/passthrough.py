"""The filter `passthrough`: every row."""

from typing import TYPE_CHECKING

from railyard.board.training.filters.filter import Filter, FilterInputs, FilterResult

if TYPE_CHECKING:
    from railyard.board.training.filters.source import Annotated
    from railyard.core.arrays import Bool


class Passthrough(Filter):
    """All rows, as a range and not as an array; the one filter that needs no annotations."""

    name = "passthrough"
    aliases = ("all", "random_all")

    def keep(self, inputs: FilterInputs) -> "Bool":
        import numpy as np

        assert inputs.steps is not None
        return np.ones(len(inputs.steps), np.bool_)

    def select(self, source: "Annotated") -> FilterResult:
        return FilterResult.of(range(len(source)), len(source))
