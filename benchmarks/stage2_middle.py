"""Channel B between generation and the training step: 64 rollouts of 60 objects parsed, matched, made to targets.

A rollout is a scene of 60 objects written again with moved boxes: a tenth of its objects are left out, as many are
invented, and a few are invalid. Weights and geometry are counted in. Targets are encoded by an encoder that has met
the scenes before, as from the second epoch on. Held against the same work character by character.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass
from random import Random

import numpy as np

from benchmarks import plain_middle
from benchmarks.figure import Figure, cost
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.stage2.language.offline_tokenizer import train_tokenizer
from railyard.stage2.language.rendering import canonical, render
from railyard.stage2.language.tokenizer import vocabulary_of
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.matching.assignment import match
from railyard.stage2.objective.targets import Target, TargetBuilder, matched_geometry
from railyard.stage2.objective.weights import Weights, channel_b
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.scenes.coordinates import BINS
from railyard.stage2.scenes.records import SceneObject

ROLLOUTS, OBJECTS, ENTRIES = 64, 60, 512
TARGET = 150.0  # ms
COLOURS = ("red", "green", "dark blue", "yellow", "pale", "large", "small", "tilted")
THINGS = ("circle", "square", "triangle", "cat", "dog", "traffic light", "person", "bicycle", "cup", "seven")


@dataclass(frozen=True)
class Sample:
    """What channel B starts from."""

    ids: list[int]
    objects: list[SceneObject]


def measure() -> list[Figure]:
    vocabulary, samples = _samples()
    build = TargetBuilder(vocabulary)

    def ours() -> list[tuple[Target, Weights]]:
        return [_prepared(sample, vocabulary, build) for sample in samples]

    def first_time() -> list[tuple[Target, Weights]]:
        fresh = TargetBuilder(vocabulary)
        return [_prepared(sample, vocabulary, fresh) for sample in samples]

    def plain() -> list[tuple[list[int], list[float]]]:
        return [plain_middle.prepared(sample.ids, sample.objects, vocabulary) for sample in samples]

    for (target, weights), (ids, expected) in zip(ours(), plain(), strict=True):
        assert target.ids_T.tolist() == ids
        assert weights.tolist() == expected
    pair, slow = in_turns(lambda: bool(ours()), multiply_adds), _milliseconds(plain, 1)
    cold = _milliseconds(first_time, 3)
    tokens = sum(len(sample.ids) for sample in samples) // len(samples)
    return [
        cost(
            f"stage2 parse, match and targets, {ROLLOUTS} rollouts of {OBJECTS} objects",
            pair,
            MULTIPLY_ADDS,
            SPEED[MULTIPLY_ADDS] * TARGET / 1000,
            "the same, character by character",
            slow / 1000 * pair.rate,
            f"{1000 / pair.rate:.0f} ms of CPU time, {tokens:,} tokens a rollout; {cold:,.0f} ms where no number and "
            "description was encoded before",
        )
    ]


def _prepared(sample: Sample, vocabulary: Vocabulary, build: TargetBuilder) -> tuple[Target, Weights]:
    rollout = parse(sample.ids, vocabulary)
    matching = match([each.box for each in rollout.predictions], [each.box for each in sample.objects])
    target = build.reordered(sample.objects, matching)
    matched_geometry(rollout.predictions, sample.objects, matching)
    accepted = np.zeros(target.matched, bool)
    return target, channel_b(target, accepted, rollout.dropped, desc_ce_weight_matched=0.25)


def _samples() -> tuple[Vocabulary, list[Sample]]:
    random = Random(0)
    scenes = [[_object(random) for _ in range(OBJECTS)] for _ in range(ROLLOUTS)]
    vocabulary = vocabulary_of(train_tokenizer((render(scene) for scene in scenes), ENTRIES))
    return vocabulary, [
        Sample([*vocabulary.encode(_rollout(scene, random)), vocabulary.im_end], scene) for scene in scenes
    ]


def _rollout(scene: list[SceneObject], random: Random) -> str:
    invented = OBJECTS // 10
    written = [_moved(each, random) for each in scene[invented:]] + [_object(random) for _ in range(invented)]
    text = render(canonical(written))
    for number in random.sample(range(2, OBJECTS), 3):
        text = text.replace(f'"object_{number}": {{"desc"', f'"object_{number}": {{"name"')
    return text


def _object(random: Random) -> SceneObject:
    x, y = random.randrange(900), random.randrange(900)
    width, height = random.randrange(10, 99), random.randrange(10, 99)
    return SceneObject(f"{random.choice(COLOURS)} {random.choice(THINGS)}", (x, y, x + width, y + height))


def _moved(each: SceneObject, random: Random) -> SceneObject:
    x, y = random.randrange(-9, 10), random.randrange(-9, 10)
    x1, y1, x2, y2 = each.box
    return SceneObject(each.desc, tuple(min(max(side, 0), BINS - 1) for side in (x1 + x, y1 + y, x2 + x, y2 + y)))


def _milliseconds(work: Callable[[], object], runs: int) -> float:
    """CPU time of the least disturbed of several runs."""
    taken = []
    for _ in range(runs):
        start = time.process_time()
        work()
        taken.append(time.process_time() - start)
    return min(taken) * 1e3
