"""How sure the model is of each box that it wrote: average precision ranks predictions by it.

A box counts by the geometric mean over its four coordinates of the probability within 20 bins of the bin that it wrote,
among the coordinate tokens, as the model gives it where it reads its own answer.
Legend: A answers, N boxes, T tokens, K = 1000 bins, H features, 4 = x1, y1, x2, y2.
"""

from collections.abc import Sequence

import numpy as np
import torch
from torch import Tensor

from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.model.answers import answers
from railyard.stage2.model.detector import Detector
from railyard.stage2.model.pictures import batch
from railyard.stage2.rollout.hf import eval_mode
from railyard.stage2.rollout.parsing import Prediction, parse
from railyard.stage2.rollout.sample import Sample

REACH = 20  # bins to either side


def near_mass(logits_NK: Tensor, bins_N: Tensor, reach: int = REACH) -> Tensor:
    """Probability [N] within `reach` bins of `bins_N` under softmax over the bins, float32."""
    summed_NK = torch.nn.functional.pad(logits_NK.float().softmax(dim=-1).cumsum(dim=-1), (1, 0))
    low_N, high_N = (bins_N - reach).clamp(min=0), (bins_N + reach + 1).clamp(max=logits_NK.shape[1])
    rows_N = torch.arange(len(bins_N), device=bins_N.device)
    return (summed_NK[rows_N, high_N] - summed_NK[rows_N, low_N]).clamp(0, 1)


def confidences(detector: Detector, samples: Sequence[Sample], rollouts: Sequence[Sequence[int]]) -> list[list[float]]:
    """The confidence of every prediction of each rollout, in its order."""
    predictions = [parse(ids, detector.vocabulary).predictions for ids in rollouts]
    with_boxes = [place for place, found in enumerate(predictions) if found]
    if not with_boxes:
        return [[] for _ in samples]
    with torch.no_grad(), eval_mode(detector):
        own = [samples[place] for place in with_boxes]
        session = detector.begin([each.prompt_T for each in own], batch([each.patches for each in own]), "shared")
        read = answers([_read(predictions[place], rollouts[place]) for place in with_boxes], device=detector.device)
        states_ATH = session.states(read)
        found = [predictions[place] for place in with_boxes]
        masses_N4 = _masses(states_ATH, found, detector.vocabulary, session.coord_output_KH)
    scores_N = iter(masses_N4.clamp(min=1e-12).log().mean(dim=1).exp().tolist())
    return [[next(scores_N) for _ in each] for each in predictions]


def _read(predictions: Sequence[Prediction], ids: Sequence[int]) -> Sequence[int]:
    """The rollout up to its last coordinate, which is read at the token before it."""
    return ids[: max(predictions[-1].slots)]


def _masses(
    states_ATH: Tensor, predictions: Sequence[Sequence[Prediction]], vocabulary: Vocabulary, output_KH: Tensor
) -> Tensor:
    """Probability near each coordinate [N, 4]. The state that predicts token t of an answer stands at t."""
    rows = np.repeat(np.arange(len(predictions)), [4 * len(each) for each in predictions])
    slots = np.array([slot for each in predictions for one in each for slot in one.slots])
    bins = np.array([bin_ for each in predictions for one in each for bin_ in one.box])
    device = states_ATH.device
    states_NH = states_ATH[torch.from_numpy(rows).to(device), torch.from_numpy(slots).to(device)]
    masses_N = near_mass(states_NH @ output_KH.T.to(states_NH.dtype), torch.from_numpy(bins).to(device))
    return masses_N.reshape(-1, 4)
