"""A bundle and its baselines on the validation blocks of a data set: all measures side by side.

Without contexts only hit rates can be told: what a tuple costs follows from a block's context alone.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from railyard.core.arrays import F32, I64, U8, U16
from railyard.tlg8.codec.blocks import SIDE
from railyard.tlg8.codec.selectors import Staged
from railyard.tlg8.evaluation import baselines
from railyard.tlg8.evaluation.costs import costs_of, least_of_all
from railyard.tlg8.evaluation.estimate import tuples_of_estimate
from railyard.tlg8.evaluation.measures import HITS, Returned, Truth, defects, measure
from railyard.tlg8.features.catalogue import KEYS
from railyard.tlg8.features.dataset import DataSet
from railyard.tlg8.features.projections import Projections
from railyard.tlg8.ranking.bundle import Bundle
from railyard.tlg8.ranking.inputs import inputs_of
from railyard.tlg8.ranking.ranking import TOGETHER, rank_contexts
from railyard.tlg8.ranking.spec import features_of

K = max(HITS)
GREEDY_BLOCKS = 512  # blocks to train on that the greedy list looks at
BLOCKS_A_MEGAPIXEL = 1e6 / (SIDE * SIDE)
STAGES = ((1, 1), (2, 4))  # n and m of the staged searches beside the rankers


@dataclass(frozen=True)
class Judged:
    """Figures of one way to choose tuples. evaluations: tuples coded for a block, those for features included."""

    figures: dict[str, float]
    evaluations: float
    microseconds: float | None = None
    parameters: int = 0
    defects: list[str] = field(default_factory=list)

    def as_dict(self) -> dict[str, Any]:
        seconds = None if self.microseconds is None else self.microseconds * BLOCKS_A_MEGAPIXEL / 1e6
        return {**vars(self), "seconds_a_megapixel": seconds}


@dataclass(frozen=True, eq=False)
class Blocks:
    """The blocks to judge by, and those to train on, of a data set with features and split."""

    data: DataSet
    targets: Projections
    valid: I64
    train: I64

    @classmethod
    def of(cls, data: DataSet, targets: Projections, limit: int | None) -> "Blocks":
        assert data.split is not None
        return cls(data, targets, data.split.valid[:limit], data.split.train)

    def inputs(self, rows: I64, pixels: bool) -> F32:
        """Inputs of the features, float32 [n, D]."""
        table = self.data.features
        assert table is not None
        return inputs_of(table.values[rows], table.known[rows], self.data.pixels[rows] if pixels else None)

    def contexts(self, rows: I64) -> tuple[U8, U8]:
        assert self.data.contexts is not None
        return np.ascontiguousarray(self.data.contexts[rows]), np.ascontiguousarray(self.data.components[rows])

    def truth(self) -> Truth:
        """Best and second of the validation blocks, and the true minimum where contexts tell it."""
        labels, bits = self.data.labels[self.valid], self.data.bits[self.valid].astype(np.int64)
        has_contexts = self.data.contexts is not None
        return Truth(labels, bits, least_of_all(*self.contexts(self.valid)) if has_contexts else None)


def evaluate(bundle: Bundle, blocks: Blocks, feature_evaluations: int, pixels: bool) -> dict[str, Any]:
    """Figures of the bundle and of each baseline by name, the bundle by image, and all defects."""
    truth, inputs = blocks.truth(), blocks.inputs(blocks.valid, pixels)
    beside = _baselines(blocks, truth, inputs, pixels, feature_evaluations)
    return _told(bundle, blocks, truth, inputs, feature_evaluations, beside)


def judge_alone(bundle: Bundle, blocks: Blocks, feature_evaluations: int, pixels: bool) -> dict[str, Any]:
    """The same without baselines and without the true minimum, which take most of the time."""
    truth = Truth(blocks.data.labels[blocks.valid], blocks.data.bits[blocks.valid].astype(np.int64))
    return _told(bundle, blocks, truth, blocks.inputs(blocks.valid, pixels), feature_evaluations, {})


def _told(
    bundle: Bundle,
    blocks: Blocks,
    truth: Truth,
    inputs: F32,
    feature_evaluations: int,
    beside: dict[str, Judged],
) -> dict[str, Any]:
    k = min(K, bundle.most)
    ranks, microseconds = _timed(_chooser(bundle, blocks, inputs, k))
    own = _judged(blocks, truth, ranks, k + feature_evaluations, microseconds, sum(bundle.facts.parameters.values()))
    judged = {bundle.facts.mode: own, **beside}
    return {
        "blocks": len(blocks.valid),
        "metrics": own.figures,
        "by_method": {name: each.as_dict() for name, each in judged.items()},
        "by_image": _by_image(blocks, truth, ranks),
        "defects": [f"{name}: {text}" for name, each in judged.items() for text in each.defects],
    }


def _chooser(bundle: Bundle, blocks: Blocks, inputs: F32, k: int) -> Callable[[], U16]:
    """What an encoder does for all blocks, features included where contexts give them; compiled before it is timed."""
    features = features_of(bundle.facts.inputs, bundle.path)
    if blocks.data.contexts is None or not all(KEYS[name].in_contexts for name in features.keys):
        bundle.rank(inputs[:1], k)
        return lambda: bundle.rank(inputs, k)
    contexts, components = blocks.contexts(blocks.valid)
    rank_contexts(bundle, contexts[:1], components[:1], k)
    parts = [slice(first, first + TOGETHER) for first in range(0, len(contexts), TOGETHER)]
    return lambda: np.concatenate([rank_contexts(bundle, contexts[part], components[part], k) for part in parts])


def _timed(choose: Callable[[], U16]) -> tuple[U16, float]:
    """What was chosen, and microseconds of this process a block."""
    start = time.process_time()
    ranks = choose()
    return ranks, 1e6 * (time.process_time() - start) / len(ranks)


def _judged(
    blocks: Blocks,
    truth: Truth,
    ranks_NK: U16,
    evaluations: float,
    microseconds: float | None = None,
    parameters: int = 0,
) -> Judged:
    has_contexts = blocks.data.contexts is not None
    costs = costs_of(*blocks.contexts(blocks.valid), ranks_NK) if has_contexts else None
    returned = Returned(ranks_NK, costs)
    figures = measure(returned, truth)
    return Judged(figures, evaluations, microseconds, parameters, defects(figures, returned, truth))


def _baselines(blocks: Blocks, truth: Truth, inputs: F32, pixels: bool, feature_evaluations: int) -> dict[str, Judged]:
    data, valid = blocks.data, blocks.valid
    labels, oracle, oracle_of_bits = data.labels[blocks.train], baselines.oracle_of_targets, baselines.oracle_of_bits

    def fixed(ranks_K: U16) -> Judged:
        return _judged(blocks, truth, np.tile(ranks_K, (len(valid), 1)), K, 0.0)

    given = blocks.inputs(blocks.train[: 4 * baselines.MOST_FITTED], pixels)
    fitted = baselines.logistic_regression(given, labels[: len(given)], inputs, K)
    found = {
        "most frequent 32": fixed(baselines.most_frequent(labels, K)),
        "logistic regression": _judged(blocks, truth, fitted, K + feature_evaluations),
        "oracle heads of the targets": _judged(blocks, truth, oracle(blocks.targets.positives[valid], K), K),
        "oracle heads of the bits": _judged(blocks, truth, oracle_of_bits(blocks.targets.projections[valid], K), K),
    }
    return found if data.contexts is None else {**found, **_of_contexts(blocks, truth, fixed)}


def _of_contexts(blocks: Blocks, truth: Truth, fixed: Callable[[U16], Judged]) -> dict[str, Judged]:
    contexts, components = blocks.contexts(blocks.valid)
    some = blocks.train[np.linspace(0, len(blocks.train) - 1, GREEDY_BLOCKS).astype(np.int64)]
    tuples_of_estimate(contexts[:1], components[:1], K)
    ranks, microseconds = _timed(lambda: tuples_of_estimate(contexts, components, K))
    found = {
        "greedy bits 32": fixed(baselines.greedy_bits(*blocks.contexts(np.unique(some)), K)),
        "estimate": _judged(blocks, truth, ranks, K, microseconds),
    }
    return found | {f"staged n={n} m={m}": _staged(blocks, truth, Staged(entropy="plain", n=n, m=m)) for n, m in STAGES}


def _staged(blocks: Blocks, truth: Truth, selector: Staged) -> Judged:
    """What a staged search finds; its two tuples are all that it returns, and its time is that of coding them too."""
    contexts, components = blocks.contexts(blocks.valid)
    ranks = np.empty((len(contexts), 2), np.uint16)
    seconds = 0.0
    for count in np.unique(components).tolist():
        rows = np.flatnonzero(components == count)
        sizes = np.full((len(rows), 2), SIDE, np.uint8)
        some = np.ascontiguousarray(contexts[rows])
        selector.find(some[:1], sizes[:1], count)
        start = time.process_time()
        ranks[rows] = selector.find(some, sizes, count).ranks_N2
        seconds += time.process_time() - start
    return _judged(blocks, truth, np.tile(ranks, (1, K // 2)), selector.evaluations, 1e6 * seconds / len(contexts))


def _by_image(blocks: Blocks, truth: Truth, ranks_NK: U16) -> dict[str, dict[str, float]]:
    """Figures of the bundle on the blocks of each image, by its name."""
    images, names = blocks.data.images[blocks.valid], blocks.data.manifest["images"]
    costs = costs_of(*blocks.contexts(blocks.valid), ranks_NK) if blocks.data.contexts is not None else None
    whole, found = Returned(ranks_NK, costs), {}
    for image in np.unique(images).tolist():
        rows = images == image
        found[names[image]] = {"blocks": int(rows.sum()), **measure(whole.part(rows), truth.part(rows))}
    return found
