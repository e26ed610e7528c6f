"""Forwards of a batch: vision once, and what precedes the answers once where that is exact.

`Detector.begin` makes a session; the trainer reads channel A's iterations and the two passes of channel B from it.
`Shared` keeps the keys and values of prompt and image, `Padded` and `Packed` read whole samples each time; all three
give the same states and gradients as transformers' own forward of each sample alone.
Legend: B samples, A answers, P tokens of the prompt, T tokens of the longest answer, L tokens of a row, H features,
D features of a head, 3 = time, height, width.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import embedding

from railyard.core.arrays import I64
from railyard.stage2.language.positions import packed_positions, rotary_positions
from railyard.stage2.model.answers import Answers, Soft
from railyard.stage2.model.pictures import Pictures
from railyard.stage2.model.segments import has_segments

if TYPE_CHECKING:
    from railyard.stage2.model.detector import Detector


@dataclass(frozen=True)
class Seen:
    """What the vision layers made of each sample's image: merged blocks [R, H], and the same of each level that is fed
    to a text layer.
    """

    merged: tuple[Tensor, ...]
    levels: tuple[tuple[Tensor, ...], ...]

    def of(self, samples: Sequence[int]) -> tuple[Tensor, list[Tensor]]:
        """Those of some samples, end to end."""
        merged = torch.cat([self.merged[each] for each in samples])
        return merged, [torch.cat([level[each] for each in samples]) for level in self.levels]


class Session:
    """One batch in one step. `input_VH` and `output_VH` are the effective matrices, computed once."""

    def __init__(self, detector: "Detector", prompts: Sequence[I64], pictures: Pictures) -> None:
        self.detector = detector
        self.prompts = [np.asarray(each, np.int64) for each in prompts]
        self.input_VH = detector.input_VH()
        self.output_VH = self.input_VH if detector.is_tied else detector.output_VH()
        self.seen = _see(detector.model.model, pictures)
        grids = pictures.grids_B3.tolist()
        self._positions = [
            rotary_positions(ids, detector.image_pad, [grid]) for ids, grid in zip(self.prompts, grids, strict=True)
        ]

    @property
    def coord_rows_KH(self) -> Tensor:
        """The embeddings of the coordinate tokens, of which soft self-context takes expectations."""
        return self.input_VH[self.detector.coord_ids_K]

    @property
    def coord_output_KH(self) -> Tensor:
        """The rows of the output matrix that give the coordinates' logits."""
        return self.output_VH[self.detector.coord_ids_K]

    def states(self, answers: Answers, soft: Soft | None = None) -> Tensor:
        """Hidden states [A, 1 + T, H] of the last token of each prompt and of the answer's tokens after it.

        So the state that predicts token t of an answer stands at t, and the token itself at t + 1, as
        `cross_entropy.states_before` takes it. States beyond an answer's end mean nothing.
        """
        raise NotImplementedError

    def _embed(self, answers: Answers, soft: Soft | None) -> Tensor:
        embedded_ATH = embedding(answers.ids_AT, self.input_VH)
        return soft.put_into(embedded_ATH) if soft else embedded_ATH

    def run(self, embeddings_BLH: Tensor, positions: Tensor, **more: Any) -> Tensor:
        """Hidden states [B, L, H] of the text layers."""
        text = self.detector.model.model.language_model
        states: Tensor = text(inputs_embeds=embeddings_BLH, position_ids=positions, **more).last_hidden_state
        return states

    def _with_images(self, ids_BL: Tensor, samples: Sequence[int]) -> dict[str, Any]:
        """Arguments of the text layers for rows of ids that hold the images of `samples` in order."""
        merged, levels = self.seen.of(samples)
        is_image_BL = ids_BL == self.detector.image_pad
        embedded_BLH = embedding(ids_BL, self.input_VH)
        embedded_BLH = embedded_BLH.masked_scatter(is_image_BL[..., None], merged.to(embedded_BLH.dtype))
        return {
            "embeddings_BLH": embedded_BLH,
            "visual_pos_masks": is_image_BL,
            "deepstack_visual_embeds": levels,
        }

    def _tensor(self, array: Any) -> Tensor:
        return torch.from_numpy(np.ascontiguousarray(array)).to(self.detector.device)


class Shared(Session):
    """Prompts and images are read once; each answer goes on from their keys and values.

    The text before the image, which all samples have in common, is read once for the batch.
    """

    def __init__(self, detector: "Detector", prompts: Sequence[I64], pictures: Pictures) -> None:
        layers = detector.model.model.language_model.layers
        if detector.training and any(layer.gradient_checkpointing for layer in layers):
            raise ValueError("with gradient checkpointing transformers drops the keys and values that are shared here")
        super().__init__(detector, prompts, pictures)
        self.prompt = self._read_prompts()

    def states(self, answers: Answers, soft: Soft | None = None) -> Tensor:
        prompt = self.prompt.rows(answers.samples_A)
        if not answers.ids_AT.shape[1]:
            return prompt.last_BH[:, None]
        positions_3AT = prompt.positions(answers.ids_AT.shape[1])
        answers_ATH = self.run(
            self._embed(answers, soft),
            positions_3AT,
            attention_mask=prompt.mask(answers.ids_AT.shape[1]),
            past_key_values=prompt.cache(),
            use_cache=True,
        )
        return torch.cat([prompt.last_BH[:, None], answers_ATH], dim=1)

    def _read_prompts(self) -> "Prompt":
        common = _common(self.prompts, self.detector.image_pad)
        rests = [ids[common:] for ids in self.prompts]
        longest = max(map(len, rests))
        ids_BR = np.zeros((len(rests), longest), np.int64)
        positions_3BR = np.zeros((3, len(rests), longest), np.int64)
        is_token_BP = np.ones((len(rests), common + longest), bool)
        for row, ids in enumerate(rests):
            begin = longest - len(ids)
            ids_BR[row, begin:] = ids
            positions_3BR[:, row, begin:] = self._positions[row][0][:, common:]
            is_token_BP[row, common : common + begin] = False
        mask_BP = None if is_token_BP.all() else self._tensor(is_token_BP)
        cache = _cache(self._read_common(common, len(rests)))
        given = self._with_images(self._tensor(ids_BR), range(len(rests)))
        states_BRH = self.run(
            given.pop("embeddings_BLH"),
            self._tensor(positions_3BR),
            attention_mask=mask_BP,
            past_key_values=cache,
            use_cache=True,
            **given,
        )
        next_B = [len(ids) + delta for ids, (_, delta) in zip(self.prompts, self._positions, strict=True)]
        return Prompt(_pairs(cache), mask_BP, states_BRH[:, -1], self._tensor(np.array(next_B)))

    def _read_common(self, tokens: int, samples: int) -> "Pairs":
        """Keys and values of the text that begins every prompt, for each sample."""
        if not tokens:
            return []
        cache = _cache([])
        ids_1C = self._tensor(self.prompts[0][None, :tokens])
        positions_31C = self._tensor(self._positions[0][0][:, None, :tokens])
        self.run(embedding(ids_1C, self.input_VH), positions_31C, past_key_values=cache, use_cache=True)
        return [(key.expand(samples, -1, -1, -1), value.expand(samples, -1, -1, -1)) for key, value in _pairs(cache)]


class Padded(Session):
    """Prompts and answers as whole rows, padded on the right: nothing is shared but the vision."""

    def states(self, answers: Answers, soft: Soft | None = None) -> Tensor:
        prompts = [self.prompts[each] for each in answers.samples_A]
        lengths = [len(ids) + length for ids, length in zip(prompts, answers.lengths_A, strict=True)]
        ids_AL = np.zeros((len(prompts), max(lengths)), np.int64)
        positions_3AL = np.zeros((3, *ids_AL.shape), np.int64)
        for row, (ids, sample) in enumerate(zip(prompts, answers.samples_A, strict=True)):
            ids_AL[row, : len(ids)] = ids
            positions_3AL[:, row, : lengths[row]] = _whole(*self._positions[sample], answers.lengths_A[row])
        given = self._with_images(self._tensor(ids_AL), answers.samples_A)
        places = _Places.of(answers, [(row, len(ids)) for row, ids in enumerate(prompts)])
        embedded_ALH = places.put(given.pop("embeddings_BLH"), self._embed(answers, soft))
        states_ALH = self.run(embedded_ALH, self._tensor(positions_3AL), use_cache=False, **given)
        return places.take(states_ALH, answers)


class Packed(Session):
    """Prompts and answers end to end in one row: no padding, nothing shared but vision.

    Segments keep the samples apart where the text layers attend by them (`segments.py`). Elsewhere it is the first of
    four rows of positions, which begins anew with each sample; flash attention reads it, others make a mask of it.
    """

    def states(self, answers: Answers, soft: Soft | None = None) -> Tensor:
        prompts = [self.prompts[each] for each in answers.samples_A]
        lengths = [len(ids) + length for ids, length in zip(prompts, answers.lengths_A, strict=True)]
        begins = np.cumsum([0, *lengths])
        ids_1L = np.zeros((1, sum(lengths)), np.int64)
        for begin, ids in zip(begins[:-1], prompts, strict=True):
            ids_1L[0, begin : begin + len(ids)] = ids
        parts = zip(answers.samples_A, answers.lengths_A, strict=True)
        positions_4L = packed_positions([_whole(*self._positions[sample], length) for sample, length in parts])
        given = self._with_images(self._tensor(ids_1L), answers.samples_A)
        starts = [(0, int(begin) + len(ids)) for begin, ids in zip(begins[:-1], prompts, strict=True)]
        places = _Places.of(answers, starts)
        embedded_1LH = places.put(given.pop("embeddings_BLH"), self._embed(answers, soft))
        if has_segments(self.detector.model):
            positions_4L, given["segments"] = positions_4L[1:], lengths
        states_1LH = self.run(embedded_1LH, self._tensor(positions_4L[:, None]), use_cache=False, **given)
        return places.take(states_1LH, answers)


Pairs = list[tuple[Tensor, Tensor]]  # keys and values of each layer, [B, heads, P, D]


@dataclass(frozen=True)
class Prompt:
    """Prompts that have been read: keys and values, the state of each last token, and the position after it.

    `mask_BP` is false on the padding on the left, None where there is none.
    """

    pairs: Pairs
    mask_BP: Tensor | None
    last_BH: Tensor
    next_B: Tensor

    def __len__(self) -> int:
        return len(self.last_BH)

    def rows(self, samples: Sequence[int]) -> "Prompt":
        """Those of some samples, in that order; a sample may come several times."""
        if list(samples) == list(range(len(self))):
            return self
        rows_A = torch.tensor(list(samples), device=self.last_BH.device)
        mask_AP = None if self.mask_BP is None else self.mask_BP[rows_A]
        pairs = [(keys[rows_A], values[rows_A]) for keys, values in self.pairs]
        return Prompt(pairs, mask_AP, self.last_BH[rows_A], self.next_B[rows_A])

    def cache(self) -> Any:
        """A cache of transformers' that begins with these; what is read after it leaves them as they are."""
        return _cache(self.pairs)

    def mask(self, tokens: int) -> Tensor | None:
        """The attention mask [B, P + T] for so many tokens after the prompts."""
        if self.mask_BP is None:
            return None
        return torch.cat([self.mask_BP, self.mask_BP.new_ones(len(self), tokens)], dim=1)

    def positions(self, tokens: int) -> Tensor:
        """Positions [3, B, T] of so many tokens after the prompts."""
        steps_T = torch.arange(tokens, device=self.next_B.device)
        return (self.next_B[:, None] + steps_T).expand(3, -1, -1)


@dataclass(frozen=True)
class _Places:
    """Where the tokens of answers stand in rows of whole samples: flat indices, answer after answer."""

    rows_N: Tensor
    columns_N: Tensor
    answers_N: Tensor
    tokens_N: Tensor
    before_A: tuple[Tensor, Tensor]  # the last token of each prompt

    @classmethod
    def of(cls, answers: Answers, starts: Sequence[tuple[int, int]]) -> "_Places":
        """`starts`: row and column at which each answer begins."""
        numbers = np.repeat(np.arange(len(answers)), answers.lengths_A)
        tokens = np.concatenate([np.arange(length) for length in answers.lengths_A])
        rows_A, columns_A = np.array(starts).T
        device = answers.ids_AT.device
        as_tensor = (rows_A[numbers], columns_A[numbers] + tokens, numbers, tokens, rows_A, columns_A - 1)
        found = [torch.from_numpy(np.ascontiguousarray(each)).to(device) for each in as_tensor]
        rows_N, columns_N, answers_N, tokens_N, *before = found
        return cls(rows_N, columns_N, answers_N, tokens_N, (before[0], before[1]))

    def put(self, embedded_BLH: Tensor, answers_ATH: Tensor) -> Tensor:
        """Rows with the answers' embeddings in place."""
        return embedded_BLH.index_put((self.rows_N, self.columns_N), answers_ATH[self.answers_N, self.tokens_N])

    def take(self, states_BLH: Tensor, answers: Answers) -> Tensor:
        """States of prompts' last tokens and of the answers, as `Session.states` gives them."""
        taken = states_BLH.new_zeros(len(answers), 1 + answers.ids_AT.shape[1], states_BLH.shape[-1])
        first = torch.arange(len(answers), device=states_BLH.device)
        taken = taken.index_put((first, torch.zeros_like(first)), states_BLH[self.before_A])
        return taken.index_put((self.answers_N, self.tokens_N + 1), states_BLH[self.rows_N, self.columns_N])


def _whole(prompt_3P: I64, delta: int, answer: int) -> I64:
    """Positions [3, P + T] of a prompt and its answer."""
    first = prompt_3P.shape[1] + delta
    return np.concatenate([prompt_3P, np.tile(np.arange(first, first + answer), (3, 1))], axis=1)


def _see(model: Any, pictures: Pictures) -> Seen:
    found = model.get_image_features(pictures.patches_PC, pictures.grids_B3, return_dict=True)
    return Seen(tuple(found.pooler_output), tuple(tuple(level) for level in found.deepstack_features))


def _common(prompts: Sequence[I64], image_pad: int) -> int:
    """How many tokens all prompts begin with, up to the first image token of any; 0 for a single prompt."""
    if len(prompts) < 2:
        return 0
    shortest = min(int(np.argmax(ids == image_pad)) for ids in prompts)
    same = np.all([ids[:shortest] == prompts[0][:shortest] for ids in prompts], axis=0)
    return int(np.argmin(np.append(same, False)))


def _cache(pairs: Pairs) -> Any:
    from transformers.cache_utils import DynamicCache, DynamicLayer

    cache = DynamicCache()
    for keys, values in pairs:
        layer = DynamicLayer()  # type: ignore[no-untyped-call]
        layer.lazy_initialization(keys, values)
        layer.keys, layer.values = keys, values  # read, never written to: what comes after is joined to a copy
        cache.layers.append(layer)
    return cache


def _pairs(cache: Any) -> Pairs:
    return list(_layers(cache))


def _layers(cache: Any) -> Iterator[tuple[Tensor, Tensor]]:
    for layer in cache.layers:
        yield layer.keys, layer.values
