"""What a row of metrics says of the mixes of a run: rows of each, the loss on them, and agreement with the teacher.

Shapes: B rows of a batch on one rank, M mixes.
"""

from collections.abc import Mapping, Sequence

import torch
from torch import Tensor

from railyard.core.training.figures import Figure, Figures, count

Parts = Sequence[tuple[Tensor, Tensor]]  # numerators and denominators of a loss, float32 [B] each


def mix_figures(
    names: Sequence[str], counts: Mapping[str, int], mix_B: Tensor, loss: Parts, agreed_B: Tensor, is_first: bool
) -> Figures:
    """The figures of a batch on one rank.

    names: ids of all mixes by their numbers. counts: rows of those that take part, in the batch of all ranks; the first
    rank tells them for all. A mix without a row in the batch has no loss there. Sums stay on their device until a row
    is written.
    """
    mixes = mix_B.long()
    sums = [_by_mix(part_B, mixes, len(names)) for pair in loss for part_B in pair]  # of each part, by mix
    found = {f"mix/{name}": count(rows if is_first else 0) for name, rows in counts.items()}
    for number, name in enumerate(names):
        if counts.get(name):
            found[f"mix_loss/{name}"] = Figure("ratio", tuple(part[number] for part in sums))
    rows_B = torch.ones_like(agreed_B)
    found["train/teacher_agreement"] = Figure("ratio", (agreed_B.double().sum(), rows_B.double().sum()))
    return found


def _by_mix(values_B: Tensor, mix_B: Tensor, mixes: int) -> tuple[Tensor, ...]:
    """Sums of each mix, float64 scalars."""
    sums = torch.zeros(mixes, dtype=torch.float64, device=values_B.device)
    return sums.index_add(0, mix_B, values_B.double()).unbind()
