"""The product `annotations`: the rows of the reference, a summary of the policy beside the teacher's move."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from railyard.board.annotation.products.product import Asked, Product, Scored

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray


class Annotations(Product):
    """Mass of each move's last bin, its logarithm, the best head, the teacher's move: 64 bytes a row."""

    name = "annotations"
    inputs = ("teacher_move", "policy_p1", "argmax_head")

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        from railyard.board.packs.annotations import ANNOTATION, ANNOTATIONS_STEM

        return {ANNOTATIONS_STEM: ANNOTATION}

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        import numpy as np

        from railyard.board.packs import annotations as disk

        batch, p1 = scored.batch, scored.p1_B4
        found = np.zeros(batch.size, disk.ANNOTATION)
        found["run_id"] = batch.runs_B & np.uint64(0xFFFFFFFF)
        found["step_index"], found["teacher_move"] = batch.steps_B, batch.teacher_B
        found["legal_mask"] = batch.stored_legal_B
        is_taught = batch.teacher_B != disk.UNKNOWN
        found["policy_kind_mask"] = disk.POLICY_P1 | disk.POLICY_LOGPROBS | is_taught * np.uint8(disk.POLICY_HARD)
        best = p1.argmax(axis=1)
        found["argmax_head"], found["argmax_prob"] = best, np.take_along_axis(p1, best[:, None], axis=1)[:, 0]
        found["policy_p1"] = p1
        with np.errstate(divide="ignore"):
            found["policy_logp"] = np.log(p1)
        found["policy_hard"] = batch.teacher_B[:, None] == np.arange(4, dtype=np.uint8)
        return {disk.ANNOTATIONS_STEM: found}
