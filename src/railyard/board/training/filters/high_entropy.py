"""The filter `high_entropy`: rows where the model is undecided."""

from typing import TYPE_CHECKING

from pydantic import Field

from railyard.board.training.filters.filter import Filter, FilterInputs

if TYPE_CHECKING:
    from railyard.core.arrays import Bool


class HighEntropy(Filter):
    """The mean entropy of the four heads is at least `min_entropy`: the column `entropy`, else from the bins."""

    name = "high_entropy"
    needs = ("columns.entropy or student_bins",)

    min_entropy: float = Field(ge=0, allow_inf_nan=False, description="nats, the mean of the four heads")

    def keep(self, inputs: FilterInputs) -> "Bool":
        import numpy as np

        from railyard.board.packs.judging import entropies

        if inputs.columns is not None and "entropy" in inputs.columns:
            values = inputs.columns["entropy"]
        else:
            assert inputs.student_bins is not None
            values = entropies(inputs.student_bins)
        found: Bool = values >= np.float32(self.min_entropy)
        return found
