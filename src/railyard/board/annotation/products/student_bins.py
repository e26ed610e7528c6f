"""The product `student_bins`: the probabilities of all bins, the sidecar of `annotations`."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from railyard.board.annotation.products.product import Asked, Product, Scored
from railyard.core.errors import UserError

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class StudentBins(Product):
    """[rows, 4, bins]; an action policy has none."""

    name = "student_bins"
    inputs = ("student_bins",)

    dtype: Literal["f32", "f16"] = Field("f32", description="f16 halves the largest product; other readers take f32")

    def lacks(self, asked: Asked) -> bool:
        return asked.is_policy

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        from railyard.board.packs.annotations import MOST_STUDENT_BINS, STUDENT_STEM, student_dtype

        if asked.model.bins > MOST_STUDENT_BINS:
            raise UserError(
                f"the model has {asked.model.bins} bins, a sidecar holds at most {MOST_STUDENT_BINS}: leave "
                "student_bins out of products"
            )
        return {STUDENT_STEM: student_dtype(asked.model.bins, self.dtype)}

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        from railyard.board.packs.annotations import STUDENT_DTYPES, STUDENT_STEM

        return {STUDENT_STEM: scored.probabilities_B4N.astype(STUDENT_DTYPES[self.dtype], copy=False)}
