"""The filter `teacher_margin`: rows where the model's move costs something, so that there is something to learn."""

from typing import TYPE_CHECKING

from pydantic import Field

from railyard.board.training.filters.filter import Filter, FilterInputs

if TYPE_CHECKING:
    from railyard.core.arrays import Bool


class TeacherMargin(Filter):
    """By the teacher's EVs the model's best legal move is worth at least `min_loss` less than the best one.

    Wrong and learnable, not merely wrong: where two moves are as good as each other, either will do. The loss is that
    of the column `ev_loss`, else it is found from the pack's EVs.
    """

    name = "teacher_margin"
    needs = ("columns.ev_loss or branch_evs", "columns.ev_loss or policy_p1")

    min_loss: float = Field(
        gt=0, allow_inf_nan=False, description="points of the heuristic, in rows of endgame tables thousandths"
    )

    def keep(self, inputs: FilterInputs) -> "Bool":
        import numpy as np

        from railyard.board.training.filters.compiled import ev_losses

        if inputs.columns is not None and "ev_loss" in inputs.columns:
            losses = inputs.columns["ev_loss"]
        else:
            assert inputs.rows is not None
            assert inputs.steps is not None
            losses = ev_losses(inputs.rows, inputs.steps, inputs.valuation_names)
        found: Bool = losses >= np.float32(self.min_loss)
        return found
