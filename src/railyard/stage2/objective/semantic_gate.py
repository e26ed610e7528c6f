"""Whether a predicted description means the same as the true one: then its tokens are not trained towards the true one.

Pairs of descriptions come from matching; the verdicts go to the token weights. Equal words need no model; others
are compared by a sentence-embedding model. Where that cannot be loaded, only equal words are accepted.
Legend: N pairs, M texts, D features of an embedding.
"""

from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence

import numpy as np

from railyard.core.arrays import F32, Bool

Vectors = F32
Encode = Callable[[Sequence[str]], Vectors]

CACHED_TEXTS = 20_000  # 31 MB at 384 features
SEPARATORS = str.maketrans("_/()", "    ")


def normalise(description: str) -> str:
    """Lower case, `_ / ( )` as spaces, runs of white space as one space, none at the ends."""
    return " ".join(description.lower().translate(SEPARATORS).split())


class SemanticGate:
    """Accepts a pair whose normalised descriptions are equal or whose embeddings have cosine >= `threshold`.

    `encode`: M texts to unit vectors float32 [M, D], called once for the new texts of all pairs at hand; None: the gate
    is off and only equal words are accepted. `identity`: what the embeddings come from, for the log and provenance.
    """

    def __init__(
        self,
        encode: Encode | None,
        threshold: float,
        identity: dict[str, str | None] | None = None,
        cached_texts: int = CACHED_TEXTS,
    ) -> None:
        self.threshold = threshold
        self.identity = identity or {}
        self.encode = encode
        self._cached_texts = cached_texts
        self._vectors: OrderedDict[str, Vectors] = OrderedDict()  # least recently used first

    @property
    def is_active(self) -> bool:
        """Whether descriptions in other words can be accepted."""
        return self.encode is not None

    def accepts(self, predicted: Sequence[str], true: Sequence[str]) -> Bool:
        """Verdicts on N pairs, bool [N]; ValueError where the sides differ in length."""
        pairs = [(normalise(left), normalise(right)) for left, right in zip(predicted, true, strict=True)]
        verdicts_N = np.array([left == right for left, right in pairs], np.bool_)
        unequal = [pair for pair in pairs if pair[0] != pair[1]]
        if self.encode is None or not unequal:
            return verdicts_N
        vectors = self._embed(dict.fromkeys(text for pair in unequal for text in pair), self.encode)
        left_MD, right_MD = (np.stack([vectors[pair[side]] for pair in unequal]) for side in (0, 1))
        verdicts_N[~verdicts_N] = np.einsum("md,md->m", left_MD, right_MD) >= self.threshold
        return verdicts_N

    def _embed(self, texts: Iterable[str], encode: Encode) -> dict[str, Vectors]:
        """The vector of each distinct text; all that are not cached are encoded together."""
        vectors = {text: self._vectors.pop(text) for text in texts if text in self._vectors}
        if fresh := [text for text in texts if text not in vectors]:
            # copied, since a view of a row would keep its whole batch alive
            vectors |= {text: row.copy() for text, row in zip(fresh, encode(fresh), strict=True)}
        self._vectors |= vectors
        while len(self._vectors) > self._cached_texts:
            self._vectors.popitem(last=False)
        return vectors
