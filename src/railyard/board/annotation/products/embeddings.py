"""The product `embeddings`: what the model makes of each board, the mean of its last hidden state over the cells."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from railyard.board.annotation.products.product import Asked, Product, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Embeddings(Product):
    """[rows, hidden_size]: 1,152 bytes a row of the model that ships."""

    name = "embeddings"
    embeddings = True

    dtype: Literal["f32", "f16"] = Field("f32", description="f16 halves them")

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        import numpy as np

        from railyard.board.packs.schema import EMBEDDINGS_STEM

        return {EMBEDDINGS_STEM: np.dtype((self._base, (asked.model.hidden_size,)))}

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        from railyard.board.packs.schema import EMBEDDINGS_STEM

        assert scored.answers.embeddings_BD is not None
        return {EMBEDDINGS_STEM: scored.answers.embeddings_BD.astype(self._base, copy=False)}

    @property
    def _base(self) -> str:
        return {"f32": "<f4", "f16": "<f2"}[self.dtype]
