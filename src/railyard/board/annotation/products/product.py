"""The interface of a product: one family of shards that a session may hold, aligned to the rows of its pool.

Shapes: B rows of a batch, N bins (1 for action_policy), V logits of the value heads asked for.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING, Any, ClassVar

from railyard.core.config.component import Component

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

    from railyard.board.annotation.definitions import Judged
    from railyard.board.annotation.pool import Batch
    from railyard.board.model.answers import Answers, ModelFacts
    from railyard.core.arrays import F32


@dataclass(frozen=True)
class Asked:
    """What is asked of which model: its facts, the value heads to keep, whether logits are kept."""

    model: "ModelFacts"
    heads: tuple[tuple[str, int], ...] = ()
    store_logits: bool = False

    @property
    def is_policy(self) -> bool:
        return self.model.head_type == "action_policy"


@dataclass(frozen=True)
class Scored:
    """A batch with the model's answers, and what follows from both."""

    asked: Asked
    batch: "Batch"
    answers: "Answers"

    @property
    def probabilities_B4N(self) -> "F32":
        found = self.answers.probabilities_B4N
        assert found is not None
        return found

    @property
    def p1_B4(self) -> "F32":
        """Mass of each move's last bin."""
        import numpy as np

        return np.ascontiguousarray(self.probabilities_B4N[:, :, -1])

    @cached_property
    def judged(self) -> "Judged":
        from railyard.board.annotation.definitions import judge

        return judge(self.batch, self.probabilities_B4N)

    @cached_property
    def values(self) -> "dict[str, F32]":
        """Logits [B, dim] of the heads asked for, by name."""
        from railyard.board.model.answers import split_values

        if self.answers.values_BV is None:
            return {}
        found = split_values(self.answers.values_BV, self.asked.model.value_heads)
        return {name: found[name] for name, _ in self.asked.heads}


class Product(Component, abstract=True):
    """A product; its fields are its options."""

    name: ClassVar[str]
    inputs: ClassVar[tuple[str, ...]] = ()  # what filters may read of it, as the manifest lists it
    logits: ClassVar[bool] = False  # which parts of an answer it needs beside the probabilities
    values: ClassVar[bool] = False
    embeddings: ClassVar[bool] = False

    def lacks(self, asked: Asked) -> bool:
        """Whether this model has nothing of the kind: the product is left out."""
        return False

    def families(self, asked: Asked) -> "dict[str, np.dtype[Any]]":
        """Its shards: the dtype of a row, by the stem of the files. UserError for a model that it cannot hold."""
        raise NotImplementedError

    def rows(self, scored: Scored) -> "Mapping[str, NDArray[Any]]":
        """The rows of a batch, by stem."""
        raise NotImplementedError

    def said(self) -> dict[str, Any]:
        """Name and options, as `source.json` keeps them."""
        return {"name": self.name, **self.model_dump()}
