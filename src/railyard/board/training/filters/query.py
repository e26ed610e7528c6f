"""The filter `query`: the conditions of the search, so that what was found in the viewer can be trained on."""

from typing import TYPE_CHECKING

from pydantic import Field, field_validator

from railyard.board.training.filters.filter import Filter, FilterInputs, FilterResult
from railyard.core.errors import UserError
from railyard.core.query import parse

if TYPE_CHECKING:
    from railyard.board.training.filters.source import Annotated
    from railyard.core.arrays import Bool


class Query(Filter):
    """Rows that meet conditions over columns and facts of the runs: `disagreement=1, model_top_prob<0.5`.

    What it needs depends on the conditions: `columns.<name>` of each column that they name.
    """

    name = "query"

    where: str = Field(min_length=1, description="conditions, joined by commas or `and`; all must hold")

    @field_validator("where")
    @classmethod
    def _can_be_read(cls, where: str) -> str:
        try:
            parse(where)
        except UserError as fault:
            raise ValueError(str(fault)) from None
        return where

    def keep(self, inputs: FilterInputs) -> "Bool":
        raise NotImplementedError("conditions are over whole columns: call select")

    def select(self, source: "Annotated") -> FilterResult:
        return source.collect(source.facts().scan(self.where).chunks())
