"""The product `predictions`: a small policy of the legal and illegal moves alike, and perhaps the logits under it."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from railyard.board.annotation.products.product import Asked, Product, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Predictions(Product):
    """36 bytes a row. The policy of binned heads is the mass of the last bins, divided by its sum."""

    name = "predictions"
    logits = True

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        from railyard.board.packs.annotation_session import PREDICTIONS, PREDICTIONS_STEM

        return {PREDICTIONS_STEM: PREDICTIONS}

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        import numpy as np

        from railyard.board.game.boards import legal_from_bits
        from railyard.board.packs.annotation_session import PREDICTIONS, PREDICTIONS_STEM

        batch, p1 = scored.batch, scored.p1_B4
        found = np.zeros(batch.size, PREDICTIONS)
        found["run_id"], found["step_index"] = batch.runs_B & np.uint64(0xFFFFFFFF), batch.steps_B
        found["legal_mask"] = legal_from_bits(batch.legal_B)
        with np.errstate(invalid="ignore"):
            found["policy"] = p1 / p1.sum(axis=1, keepdims=True)
        if scored.asked.store_logits:
            assert scored.answers.logits_B4N is not None
            found["logits"] = scored.answers.logits_B4N[:, :, -1]
        return {PREDICTIONS_STEM: found}
