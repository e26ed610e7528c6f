"""The filter `student_wrong_p1`: rows where the model prefers another move than the teacher's."""

from typing import TYPE_CHECKING

from railyard.board.training.filters.filter import Filter, FilterInputs

if TYPE_CHECKING:
    from railyard.core.arrays import Bool


class StudentWrongP1(Filter):
    """The teacher's move is known and legal, and the move with most P1, legal or not, is another."""

    name = "student_wrong_p1"
    needs = ("teacher_move", "policy_p1", "argmax_head")

    def keep(self, inputs: FilterInputs) -> "Bool":
        from railyard.board.training.filters.compiled import wrong

        assert inputs.rows is not None
        return wrong(inputs.rows)
