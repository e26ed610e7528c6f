"""The causal shift: what a model says about the token at position p stands at position p - 1.

Legend: B samples, T positions, D features, N tokens.
"""

from torch import Tensor


def predictors(states_BTD: Tensor, samples_N: Tensor, positions_N: Tensor) -> Tensor:
    """The states (hidden or logits) [N, D] that predict the tokens at these positions of these samples.

    Raises ValueError for a token at position 0: nothing predicts it.
    """
    if (positions_N < 1).any():
        raise ValueError("a token at position 0 has no position before it that could predict it")
    return states_BTD[samples_N, positions_N - 1]
