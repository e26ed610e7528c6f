"""The forwards of a micro-batch and the losses that are read from them, in both channels.

A: forwards of the targets, each after the first with coordinates replaced by their own expectations; text is read from
the first, boxes from the last. B: text from the target (B3), boxes from the scaffold of each rollout with pairs (B2);
both passes read one encoding of the images. Sums go to the module, which makes shares of the window's means of them.
Legend: A answers, T tokens, N rows, H features, K = 1000 bins, V ids.
"""

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor

from railyard.core.arrays import I64
from railyard.stage2.model.answers import Answers, Soft, answers
from railyard.stage2.objective import coord_losses
from railyard.stage2.objective.box_losses import ciou, smooth_l1
from railyard.stage2.objective.config import Stage2AB, value_at
from railyard.stage2.objective.cross_entropy import logsumexp, states_before, supervised, token_nll
from railyard.stage2.objective.expectation import disagreement, expected_coordinates, expected_embeddings
from railyard.stage2.objective.reduction import Sums, reduce
from railyard.stage2.objective.total import COORD_TERMS
from railyard.stage2.training.lessons import Lesson

Losses = dict[str, Sums]


@dataclass(frozen=True)
class Slots:
    """Coordinates that are read in answers: of answer `answers_N`, the token `tokens_N` (on a device); four a box."""

    answers_N: Tensor
    tokens_N: Tensor

    @classmethod
    def of(cls, slots: Sequence[I64], device: Any) -> "Slots":
        """`slots`: for each answer [boxes, 4]."""
        numbers = np.repeat(np.arange(len(slots)), [each.size for each in slots])
        tokens = np.concatenate([each.reshape(-1) for each in slots]) if slots else np.zeros(0, np.int64)
        return cls(torch.from_numpy(numbers).to(device), torch.from_numpy(tokens).to(device))

    def __len__(self) -> int:
        return len(self.tokens_N)

    def states(self, states_ATH: Tensor) -> Tensor:
        """The states [N, H] that predict these tokens, one position before them."""
        return states_before(states_ATH, self.answers_N, self.tokens_N + 1)  # a state of the prompt stands first


def channel_a(session: Any, lessons: Sequence[Lesson], objective: Stage2AB, step: int) -> Losses:
    """Sums of all terms over the samples of a session."""
    device = session.detector.device
    read = answers([lesson.target.ids_T[:-1] for lesson in lessons], device=device)
    slots = Slots.of([lesson.geometry.slots_N4 for lesson in lessons], device)
    first_ATH, last_ATH = iterations(session, read, slots, objective)
    losses: Losses = {"ce": _text(session, first_ATH, lessons)}
    if not len(slots):
        return losses
    return losses | coordinates(session, slots.states(last_ATH), _boxes(lessons, device), objective, step)[0]


def iterations(session: Any, read: Answers, slots: Slots, objective: Stage2AB) -> tuple[Tensor, Tensor]:
    """States [A, 1 + T, H] of the first and of the last forward.

    `unroll` records gradients through all; `em_detach` through the first and the last, whose coordinates are then
    constants.
    """
    detach, last = objective.softctx_grad_mode == "em_detach", objective.n_softctx_iter - 1 if len(slots) else 0
    first_ATH = states_ATH = session.states(read)
    for index in range(1, last + 1):
        with torch.set_grad_enabled(torch.is_grad_enabled() and not (detach and index < last)):
            logits_NK = _coord_logits(session, slots.states(states_ATH))
            rows_NH = expected_embeddings(logits_NK, session.coord_rows_KH, objective.softctx_temperature, detach)
            states_ATH = session.states(read, Soft(slots.answers_N, slots.tokens_N, rows_NH))
    return first_ATH, states_ATH


def channel_b(session: Any, lessons: Sequence[Lesson], objective: Stage2AB, step: int) -> tuple[Losses, Sums | None]:
    """Sums of all terms over the samples of a session, and of how far the likeliest bins are from the expectations.

    Samples without a pair have no second pass; the terms of boxes are absent where no sample has one.
    """
    device = session.detector.device
    text_ATH = session.states(answers([lesson.target.ids_T[:-1] for lesson in lessons], device=device))
    losses: Losses = {"ce": _text(session, text_ATH, lessons)}
    paired = [index for index, lesson in enumerate(lessons) if lesson.scaffold_T is not None]
    if not paired:
        return losses, None
    scaffolds = [lessons[index].scaffold_T for index in paired]
    states_ATH = session.states(answers([ids for ids in scaffolds if ids is not None], paired, device))
    slots = Slots.of([lessons[index].geometry.slots_N4 for index in paired], device)
    geometry = _boxes([lessons[index] for index in paired], device)
    found, apart = coordinates(session, slots.states(states_ATH), geometry, objective, step)
    return losses | found, apart


def _text(session: Any, states_ATH: Tensor, lessons: Sequence[Lesson]) -> Sums:
    """Cross-entropy of the targets' weighted tokens."""
    longest = max(len(lesson.target.ids_T) for lesson in lessons)
    ids_AT = np.zeros((len(lessons), 1 + longest), np.int64)  # the first stands for the prompt's last token
    weights_AT = np.zeros(ids_AT.shape, np.float32)
    for row, lesson in enumerate(lessons):
        ids_AT[row, 1 : 1 + len(lesson.target.ids_T)] = lesson.target.ids_T
        weights_AT[row, 1 : 1 + len(lesson.target.ids_T)] = lesson.weights_T
    device = states_ATH.device
    ids, weights = (torch.from_numpy(side).to(device) for side in (ids_AT, weights_AT))
    hidden_NH, labels_N, weights_N = supervised(states_ATH, ids, weights)
    return reduce(token_nll(hidden_NH, session.output_VH, labels_N), weights_N)


def _boxes(lessons: Sequence[Lesson], device: Any) -> tuple[Tensor, Tensor]:
    """True boxes of all slots: in units of the image [N, 4], and as bins [4 N]."""
    units_N4 = np.concatenate([lesson.geometry.units_N4 for lesson in lessons])
    bins_N = np.concatenate([lesson.geometry.boxes_N4.reshape(-1) for lesson in lessons])
    return torch.from_numpy(units_N4).to(device), torch.from_numpy(bins_N).to(device)


def coordinates(
    session: Any, states_NH: Tensor, boxes: tuple[Tensor, Tensor], objective: Stage2AB, step: int
) -> tuple[Losses, Sums]:
    """All terms on boxes and on distributions over bins, and the disagreement of the likeliest bin and the mean.

    Terms whose weight is 0 are measured without gradients.
    """
    units_N4, bins_N = boxes
    logits_NK = _coord_logits(session, states_NH)
    boxes_N4 = expected_coordinates(logits_NK.reshape(-1, 4, logits_NK.shape[-1]))
    sigma, truncate = value_at(step, objective.coord_target_sigma), value_at(step, objective.coord_target_truncate)
    assert sigma is not None
    targets_NK = coord_losses.gaussian_targets(bins_N, sigma=sigma, truncate=truncate)
    terms: dict[str, Callable[[], Tensor]] = {
        "bbox_smoothl1": lambda: smooth_l1(boxes_N4, units_N4, beta=objective.bbox_smoothl1_beta),
        "bbox_ciou": lambda: ciou(boxes_N4, units_N4),
        "coord_ce": lambda: coord_losses.coord_ce(logits_NK, bins_N),
        "coord_soft_ce": lambda: coord_losses.soft_ce(logits_NK, targets_NK),
        "coord_w1": lambda: coord_losses.w1(logits_NK, targets_NK),
        "coord_gate": lambda: coord_losses.coord_gate(logsumexp(states_NH, session.output_VH), logits_NK),
        "coord_el1": lambda: coord_losses.expected_l1(logits_NK, bins_N),
        "coord_ehuber": lambda: coord_losses.expected_huber(logits_NK, bins_N, delta=objective.coord_huber_delta),
        "coord_entropy": lambda: coord_losses.entropy(logits_NK),
    }
    weights = term_weights(objective)
    return {name: _measured(term, weights[name] != 0) for name, term in terms.items()}, reduce(disagreement(logits_NK))


def term_weights(objective: Stage2AB) -> Mapping[str, float]:
    """The weight of each term beside the cross-entropy."""
    return {term: float(getattr(objective, f"{term}_weight")) for term in COORD_TERMS}


def _measured(term: Callable[[], Tensor], learns: bool) -> Sums:
    with torch.set_grad_enabled(torch.is_grad_enabled() and learns):
        return reduce(term())


def _coord_logits(session: Any, states_NH: Tensor) -> Tensor:
    rows_KH: Tensor = session.coord_output_KH
    return states_NH @ rows_KH.T.to(states_NH.dtype)
