"""The product `value_heads`: logits of the model's value heads, float16, side by side or in files of their own."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from railyard.board.annotation.products.product import Asked, Product, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class ValueHeads(Product):
    """Heads of up to 8 numbers share rows; wider ones have a family each. A model without value heads has none."""

    name = "value_heads"
    values = True

    def lacks(self, asked: Asked) -> bool:
        return not asked.heads

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        import numpy as np

        from railyard.board.packs.annotation_session import families_of_values

        return {stem: np.dtype(("<f2", (slots,))) for stem, slots in families_of_values(asked.heads).items()}

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        import numpy as np

        from railyard.board.packs.annotation_session import VALUES_STEM, WIDEST_SLOT, own_stem

        with np.errstate(over="ignore"):
            halves = {name: logits.astype("<f2") for name, logits in scored.values.items()}
        narrow = [values for values in halves.values() if values.shape[1] <= WIDEST_SLOT]
        wide = {own_stem(name): values for name, values in halves.items() if values.shape[1] > WIDEST_SLOT}
        return {**({VALUES_STEM: np.concatenate(narrow, axis=1)} if narrow else {}), **wide}
