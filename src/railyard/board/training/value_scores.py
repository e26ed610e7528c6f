"""How well value heads say what happened: binary cross-entropy and squared error, where a row has a label.

Shapes: B rows, V value heads; the heads of a mapping stand in the order of the labels' columns.
"""

from collections.abc import Iterable, Mapping

import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from railyard.board.training.outcomes import NO_LABEL

Values = Mapping[str, Tensor]


def losses(values: Values, labels_BV: Tensor) -> dict[str, Tensor]:
    """Mean cross-entropy by head, float32 scalars, over the rows that have a label; 0 where no row has one.

    `values` are logits [B, 1], `labels_BV` 0, 1 or NO_LABEL.
    """
    found = {}
    for name, (known_B, label_B, logit_B) in _columns(values, labels_BV).items():
        loss_B = binary_cross_entropy_with_logits(logit_B, label_B, reduction="none")
        found[name] = (loss_B * known_B).sum() / known_B.sum().clamp(min=1)
    return found


def row_scores(values: Values, labels_BV: Tensor) -> dict[str, Tensor]:
    """Figures of each row, float32 [B]; `metrics` takes their sums over any rows and ranks."""
    found = {}
    for name, (known_B, label_B, logit_B) in _columns(values, labels_BV).items():
        loss_B = binary_cross_entropy_with_logits(logit_B, label_B, reduction="none")
        found[f"value_{name}_rows"] = known_B
        found[f"value_{name}_loss"] = loss_B * known_B
        found[f"value_{name}_brier"] = (logit_B.sigmoid() - label_B).square() * known_B
    return found


def metrics(sums: Mapping[str, float]) -> dict[str, float]:
    """Cross-entropy and Brier score by head, from sums of `row_scores`; nothing of a head without labels."""
    heads = [key.removesuffix("_rows") for key in sums if key.startswith("value_") and key.endswith("_rows")]
    return {
        f"{head}_{figure}": sums[f"{head}_{figure}"] / sums[f"{head}_rows"]
        for head in heads
        if sums[f"{head}_rows"]
        for figure in ("loss", "brier")
    }


def meanings(names: Iterable[str]) -> dict[str, str]:
    """What the metrics of value heads are, with those of a head that always says one half."""
    loss, brier = (
        "cross-entropy in nats of {}; one half always has 0.6931",
        "Brier score of {}; one half always has 0.25",
    )
    return {
        f"value_{name}_{figure}": words.format(name)
        for name in names
        for figure, words in (("loss", loss), ("brier", brier))
    }


def _columns(values: Values, labels_BV: Tensor) -> dict[str, tuple[Tensor, Tensor, Tensor]]:
    """By head: 1 where there is a label, the label (0 where there is none), the logit; each float32 [B]."""
    found = {}
    for (name, logits_B1), label_B in zip(values.items(), labels_BV.unbind(dim=1), strict=True):
        known_B = (label_B != NO_LABEL).float()
        found[name] = known_B, torch.where(label_B == 1, 1.0, 0.0), logits_B1.float().squeeze(1)
    return found
