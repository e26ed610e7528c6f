"""The filter `top_k_disagreements`: the rows where the model is most sure of a wrong move."""

from typing import TYPE_CHECKING

from pydantic import Field

from railyard.board.training.filters.filter import Filter, FilterInputs, FilterResult

if TYPE_CHECKING:
    from railyard.board.training.filters.source import Annotated
    from railyard.core.arrays import F64, I64, Bool

MOST_SPARE = 1 << 20  # candidates beyond k that are held before the smallest are dropped


class TopKDisagreements(Filter):
    """Of the rows of `student_wrong_p1` the k with the largest log P1[argmax] - log P1[teacher], ties by row."""

    name = "top_k_disagreements"
    needs = ("teacher_move", "policy_p1", "argmax_head")

    k: int = Field(ge=1, description="rows that are kept at most")

    def keep(self, inputs: FilterInputs) -> "Bool":
        """The rows to choose from."""
        from railyard.board.training.filters.compiled import wrong

        assert inputs.rows is not None
        found: Bool = wrong(inputs.rows) & (inputs.rows["argmax_head"] < 4)
        return found

    def select(self, source: "Annotated") -> FilterResult:
        import numpy as np

        from railyard.board.training.filters.compiled import gaps

        assert source.session is not None
        assert source.session.annotations is not None
        best = _Largest(self.k)
        for rows in source.scan(self.keep).chunks():
            found = gaps(source.session.annotations.gather(rows))
            known = ~np.isnan(found)
            best.add(rows[known], found[known])
        return source.collect([best.rows()])


class _Largest:
    """The k largest of numbers that come with ascending rows; of equals the first."""

    def __init__(self, k: int) -> None:
        self._k = k
        self._rows: list[I64] = []
        self._values: list[F64] = []
        self._held, self._least = 0, -1.0  # a gap is never below 0

    def add(self, rows: "I64", values: "F64") -> None:
        worthy = values > self._least  # an equal one comes later, so it would lose the tie
        self._rows.append(rows[worthy])
        self._values.append(values[worthy])
        self._held += int(worthy.sum())
        if self._held > self._k + MOST_SPARE:
            self._drop()

    def rows(self) -> "I64":
        import numpy as np

        if not self._held:
            return np.empty(0, np.int64)
        self._drop()
        return self._rows[0]

    def _drop(self) -> None:
        import numpy as np

        rows, values = np.concatenate(self._rows), np.concatenate(self._values)
        if len(rows) > self._k:
            self._least = float(np.partition(values, len(values) - self._k)[len(values) - self._k])
            kept = values > self._least
            kept[np.flatnonzero(values == self._least)[: self._k - int(kept.sum())]] = True
            rows, values = rows[kept], values[kept]
        self._rows, self._values, self._held = [rows], [values], len(rows)
