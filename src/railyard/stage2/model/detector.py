"""The network that is trained: a Qwen3-VL of transformers with the coordinates' rows as parameters of their own.

`build.py` makes it. Losses and expected embeddings read `input_VH` and `output_VH`, in which those rows stand: the
matrices inside the transformers model hold stale ones until `settle` is called.
Legend: V ids, K = 1000 coordinates, H features, B samples, T tokens.
"""

from collections.abc import Sequence
from typing import Any, Literal

import torch
from torch import Tensor, nn

from railyard.core.arrays import I64
from railyard.stage2.language.tokenizer import IMAGE_PAD, vocabulary_of
from railyard.stage2.model.forwards import Packed, Padded, Session, Shared
from railyard.stage2.model.pictures import Pictures

FORWARDS: dict[str, type[Session]] = {"shared": Shared, "padded": Padded, "packed": Packed}


class Detector(nn.Module):
    """`model`: a Qwen3VLForConditionalGeneration; `tokenizer`: that of the tokenizers package, with coordinates."""

    coord_ids_K: Tensor

    def __init__(self, model: Any, tokenizer: Any, forwards: Literal["shared", "padded", "packed"] = "shared") -> None:
        super().__init__()
        self.model = model
        self.tokenizer = tokenizer
        self.vocabulary = vocabulary_of(tokenizer)
        (self.image_pad,) = self.vocabulary.encode(IMAGE_PAD)
        self.forwards = forwards
        self.register_buffer("coord_ids_K", torch.from_numpy(self.vocabulary.coord_ids_1000), persistent=False)
        weights = self._matrices()
        self.rows_KH = nn.Parameter(weights[0].detach()[self.coord_ids_K].clone())
        # of untied embeddings only
        self.output_rows_KH = nn.Parameter(weights[1].detach()[self.coord_ids_K].clone()) if len(weights) > 1 else None

    @property
    def is_tied(self) -> bool:
        """Whether one matrix serves as input and output."""
        return self.output_rows_KH is None

    @property
    def device(self) -> torch.device:
        return self.rows_KH.device

    def input_VH(self) -> Tensor:
        """The effective embeddings: the model's with the coordinates' trained rows in place. Call it once a step."""
        return _with_rows(self._matrices()[0], self.coord_ids_K, self.rows_KH)

    def output_VH(self) -> Tensor:
        """The effective output matrix, which is `input_VH()` where the embeddings are tied."""
        if self.output_rows_KH is None:
            return self.input_VH()
        return _with_rows(self._matrices()[1], self.coord_ids_K, self.output_rows_KH)

    def begin(self, prompts: Sequence[I64], pictures: Pictures, forwards: str | None = None) -> Session:
        """One batch in one step: vision is encoded now and once; the session reads any number of answers.

        `prompts`: ids of each sample's prompt with its image tokens. Rollouts take `forwards="shared"`, whatever the
        training takes.
        """
        return FORWARDS[forwards or self.forwards](self, prompts, pictures.to(self.device))

    @torch.no_grad()
    def settle(self) -> Any:
        """The transformers model, equal to this one now: the trained rows are copied into its matrices."""
        for weight, rows in zip(self._matrices(), (self.rows_KH, self.output_rows_KH), strict=False):
            assert rows is not None
            weight[self.coord_ids_K] = rows.to(weight.dtype)
        return self.model

    def _matrices(self) -> list[Tensor]:
        """The model's own: one, or two where they are not tied."""
        weights = [self.model.get_input_embeddings().weight, self.model.get_output_embeddings().weight]
        return weights[:1] if weights[0] is weights[1] else weights


def _with_rows(weight_VH: Tensor, ids_K: Tensor, rows_KH: Tensor) -> Tensor:
    return weight_VH.index_copy(0, ids_K, rows_KH.to(weight_VH.dtype))
