"""What a filter is: a rule that says which rows of an annotated pack a mix draws from.

A filter of your own is one class in a file of the working directory, named by `_target_` and admitted by `allow`:

    class Unsure(Filter):
        needs = ("argmax_head",)
        most: float = Field(description="probability that the best move has at most")

        def keep(self, inputs):
            return inputs.rows["argmax_prob"] <= self.most

Shapes: n rows of a chunk, N bins.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, ClassVar

from railyard.core.config.component import Component

if TYPE_CHECKING:
    from railyard.board.training.filters.source import Annotated
    from railyard.core.arrays import F32, I64, U32, Bool, Records

    Indices = range | U32 | I64  # ascending numbers of rows


@dataclass(frozen=True, eq=False)
class FilterInputs:
    """Consecutive rows and what is known of them; None is what the annotations or the pool lack.

    first: number of the first row. rows: ANNOTATION rows [n]. columns: float32 [n] by name, read when they are asked
    for. student_bins: probabilities [n, 4, N]. steps: the pack's own rows, STEP [n]. valuation_names: of the steps, by
    id.
    """

    first: int
    rows: "Records | None"
    columns: "Mapping[str, F32] | None" = None
    student_bins: "F32 | None" = None
    steps: "Records | None" = None
    valuation_names: tuple[str, ...] = ()


@dataclass(frozen=True, eq=False)
class FilterResult:
    """The rows that a filter matched, ascending numbers of the whole pack, and facts of them.

    indices: a range, or uint32 (int64 where rows do not fit it). metadata: count, coverage (share of all rows), first
    and last row, null without any.
    """

    indices: "Indices"
    metadata: dict[str, Any]

    @classmethod
    def of(cls, indices: "Indices", rows: int) -> "FilterResult":
        """With its facts; `rows` in all."""
        count = len(indices)
        first, last = (int(indices[0]), int(indices[-1])) if count else (None, None)
        facts = {"count": count, "coverage": count / rows if rows else 0.0, "first": first, "last": last}
        return cls(indices, facts)


class Filter(Component, abstract=True):
    """A filter; its fields are its `params`."""

    name: ClassVar[str] = ""  # what `name:` finds it by; a filter of your own has none
    aliases: ClassVar[tuple[str, ...]] = ()
    # inputs without which it cannot work, as the manifest of annotations lists them; "a or b" where either will do
    needs: ClassVar[tuple[str, ...]] = ()

    def keep(self, inputs: FilterInputs) -> "Bool":
        """Which of these rows match, [n]. Called from several threads; compiled code should release the GIL."""
        raise NotImplementedError

    def select(self, source: "Annotated") -> FilterResult:
        """All rows that match."""
        return source.collect(source.scan(self.keep).chunks())

    def missing(self, held: Sequence[str]) -> list[str]:
        """What it needs and is not among the inputs held."""
        return [need for need in self.needs if not any(name in held for name in need.split(" or "))]
