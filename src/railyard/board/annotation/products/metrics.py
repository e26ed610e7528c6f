"""The product `metrics`: the definitions of `definitions.py`, as rows of the source's form and as columns to search."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from railyard.board.annotation.products.product import Asked, Product, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from railyard.board.annotation.definitions import Judged
    from railyard.core.arrays import U8


class Metrics(Product):
    """18 bytes a row, and a float32 for each column: NaN and 255 stand for unknown."""

    name = "metrics"

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        import numpy as np

        from railyard.board.packs.annotation_session import COLUMNS, METRICS, METRICS_STEM, column_stem

        scalars = [f"value_{name}" for name, dim in asked.heads if dim == 1]
        return {METRICS_STEM: METRICS, **{column_stem(name): np.dtype("<f4") for name in (*COLUMNS, *scalars)}}

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        import numpy as np

        from railyard.board.packs.annotation_session import METRICS, METRICS_STEM, column_stem

        batch, judged = scored.batch, scored.judged
        found = np.zeros(batch.size, METRICS)
        found["run_id"], found["step_index"] = batch.runs_B & np.uint64(0xFFFFFFFF), batch.steps_B
        found["teacher_action"], found["model_top_action"] = judged.action_B, judged.top_B
        found["model_top_prob"], found["logit_gap"] = judged.top_prob_B, judged.gap_B
        found["has_branch_evs"], found["teacher_best_action"] = judged.has_evs_B, judged.best_B
        columns = {column_stem(name): values for name, values in _columns(scored).items()}
        return {METRICS_STEM: found, **columns}


def _columns(scored: Scored) -> "dict[str, NDArray[Any]]":
    from railyard.board.model.answers import sigmoid

    values = {f"value_{name}": sigmoid(logits[:, 0]) for name, logits in scored.values.items() if logits.shape[1] == 1}
    return {**columns_of(scored.judged, scored.batch.played_B), **values}


def columns_of(judged: "Judged", played_B: "U8") -> "dict[str, NDArray[Any]]":
    """The columns of B rows but for those of value heads."""
    import numpy as np

    return {
        "logit_gap": judged.gap_B,
        "model_top_prob": judged.top_prob_B,
        "entropy": judged.entropy_B,
        "ev_loss": judged.ev_loss_B,
        "played": np.where(played_B > 3, np.float32(np.nan), played_B.astype(np.float32)),
        "played_loss": judged.played_loss_B,
        "disagreement": judged.disagreement_B,
        "ev_disagreement": judged.ev_disagreement_B,
        "max_rank": judged.max_rank_B,
    }
