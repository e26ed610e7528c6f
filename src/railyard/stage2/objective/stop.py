"""Where a text of the assistant decides to stop: its outermost `}` and its turn end.

Channel B leaves these tokens out of the cross entropy or weighs them apart (`weights.py`).
"""

import numpy as np

from railyard.core.arrays import I64
from railyard.stage2.language.vocabulary import Ids, Vocabulary
from railyard.stage2.rollout.scan import outermost_close


def stop_positions(ids: Ids, vocabulary: Vocabulary) -> I64:
    """The token that closes the outermost object before the first turn end, then that turn end.

    Found by depth of braces over the joined pieces, so braces of descriptions and braces after the object count for
    nothing. Raises ValueError where the object never closes or no turn ends.
    """
    ids_T = np.asarray(ids, np.int64)
    turn_end = np.flatnonzero(ids_T == vocabulary.im_end)[:1]
    if not len(turn_end):
        raise ValueError("no turn ends among the tokens: they are no finished answer")
    text, places = vocabulary.join(ids_T[: turn_end[0]])
    close = outermost_close(text)
    if close < 0:
        raise ValueError(f"no outermost closing brace in {text[:60]!r}…: the tokens are no finished answer")
    token = np.searchsorted(places, [close], side="right") - 1
    return np.concatenate([token, turn_end])


def merged(stop: I64, ids: Ids, vocabulary: Vocabulary) -> bool:
    """Whether the token of the outermost `}` holds more than that, which is then left out along with it."""
    return vocabulary.pieces[ids[int(stop[0])]] != b"}"
