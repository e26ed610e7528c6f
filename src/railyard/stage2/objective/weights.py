"""How much each token of a target counts in the cross entropy.

| class | channel A | channel B |
| --- | --- | --- |
| coordinate | 0 | 0 |
| structure | 1 | 1, times the multiplier where the rollout had invalid entries |
| desc of a matched object | as any desc | its own weight; 0 where the gate accepted the predicted one |
| desc of any other object | desc_ce_weight | desc_ce_weight |
| outermost close, turn end | 1 | 0 (`neutral`), 1 (`supervise`), stop_weight (`weighted`) |

Legend: M matched pairs, N objects, T tokens.
"""

from typing import Literal

import numpy as np

from railyard.core.arrays import F32, F64, Bool
from railyard.stage2.objective.targets import Target, TokenClass

StopSupervision = Literal["neutral", "supervise", "weighted"]

Weights = F32


def channel_a(target: Target, desc_ce_weight: float = 1.0) -> Weights:
    """Weights [T]: teaches the whole text but its coordinates, stopping included."""
    return _weights(target, 1.0, 1.0, np.full(len(target.objects), desc_ce_weight))


def channel_b(
    target: Target,
    accepted_M: Bool,
    dropped: int,
    *,
    desc_ce_weight: float = 1.0,
    desc_ce_weight_matched: float | None = None,
    drop_invalid_struct_ce_multiplier: float = 1.0,
    stop_supervision: StopSupervision = "neutral",
    stop_weight: float = 0.1,
) -> Weights:
    """Weights [T]. `accepted_M`: the pairs, in the target's order, whose predicted description the gate accepted.

    `dropped`: the rollout's invalid entries. Without `desc_ce_weight_matched`, matched objects count as all others.
    Raises ValueError unless there is one verdict for each pair of the target.
    """
    if len(accepted_M) != target.matched:
        raise ValueError(f"the target has {target.matched} matched objects, but {len(accepted_M)} verdicts came")
    matched = desc_ce_weight if desc_ce_weight_matched is None else desc_ce_weight_matched
    desc_N = np.full(len(target.objects), desc_ce_weight)
    desc_N[: target.matched] = np.where(accepted_M, 0.0, matched)
    structure = drop_invalid_struct_ce_multiplier if dropped else 1.0
    return _weights(
        target, structure, {"neutral": 0.0, "supervise": 1.0, "weighted": stop_weight}[stop_supervision], desc_N
    )


def _weights(target: Target, structure: float, stop: float, desc_N: F64) -> Weights:
    of_class = np.zeros(len(TokenClass), np.float32)
    of_class[TokenClass.STRUCTURE], of_class[TokenClass.STOP] = structure, stop
    weights_T = of_class[target.classes_T]
    is_desc_T = target.classes_T == TokenClass.DESC
    weights_T[is_desc_T] = desc_N[target.owners_T[is_desc_T]]
    return weights_T
