"""The filter `low_confidence`: rows where no move has much of the model's trust."""

from typing import TYPE_CHECKING

from pydantic import Field

from railyard.board.training.filters.filter import Filter, FilterInputs

if TYPE_CHECKING:
    from railyard.core.arrays import Bool


class LowConfidence(Filter):
    """The largest P1 of the four moves is at most `max_prob`."""

    name = "low_confidence"
    needs = ("policy_p1", "argmax_head")

    max_prob: float = Field(ge=0, le=1, description="P1 that the best move has at most")

    def keep(self, inputs: FilterInputs) -> "Bool":
        import numpy as np

        from railyard.board.packs.annotations import POLICY_P1

        assert inputs.rows is not None
        is_known = inputs.rows["policy_kind_mask"] & POLICY_P1 != 0
        found: Bool = is_known & (inputs.rows["argmax_prob"] <= np.float32(self.max_prob))
        return found
