"""Rollouts of a tiny model, eight together against one after the other, in CPU time of one thread.

Then what a step of channel B does beside the model: 64 scenes of 60 objects, with their rollouts, judged and made into
lessons. The model has random weights and hardly ever ends its turn, so rollouts are of one length.
"""

import time
from collections.abc import Callable
from itertools import product

import numpy as np
import torch

from benchmarks.figure import Figure, cost
from benchmarks.stage2_middle import _samples
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.stage2.language.chat import encode_prompt
from railyard.stage2.language.rendering import render
from railyard.stage2.model.build import build
from railyard.stage2.model.config import Network, Random
from railyard.stage2.model.pictures import cut
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.hf import HfRollouts
from railyard.stage2.rollout.sample import Sample
from railyard.stage2.scenes.records import SceneObject
from railyard.stage2.training.lessons import Teacher

BATCH, TOKENS, SIDE, ROUNDS = 8, 64, 128, 3
LEAST, MOST_MS = 4.0, 250.0
COLOURS, SHAPES = ("red", "green", "blue", "yellow"), ("circle", "square", "triangle")


def measure() -> list[Figure]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [_batched(), _beside_the_model()]
    finally:
        torch.set_num_threads(threads)


def _batched() -> Figure:
    torch.manual_seed(0)
    texts = [render([SceneObject(f"{a} {b}", (1, 2, 30, 40))]) for a, b in product(COLOURS, SHAPES)]
    detector = build(Network(weights=Random()), lambda: texts)
    rng = np.random.default_rng(0)
    pictures = [rng.integers(0, 256, (SIDE, SIDE, 3), np.uint8) for _ in range(BATCH)]
    prompt_T = encode_prompt(SIDE * SIDE // 1024, detector.vocabulary)
    samples = [
        Sample(line, "made", "made.png", (), prompt_T, pixels_HW3, cut(pixels_HW3))
        for line, pixels_HW3 in enumerate(pictures, start=1)
    ]
    rollouts = HfRollouts(detector)

    def rate(together: int) -> float:
        decode = RolloutMatching(max_new_tokens=TOKENS, rollout_batch_size=together)
        tokens = 0

        def run() -> None:
            nonlocal tokens
            tokens = sum(map(len, rollouts.generate(samples, decode, range(BATCH))))

        seconds = _seconds(run)
        return tokens / seconds

    alone, together = rate(1), rate(BATCH)
    gain = together / alone
    return Figure(
        f"stage2 rollouts, {BATCH} together",
        gain,
        "times as many tokens/s",
        f">= {LEAST:g}",
        gain >= LEAST,
        "one after the other",
        gain,
        f"{together:,.0f} against {alone:,.0f} tokens/s of CPU time, {TOKENS} tokens after a prompt of {len(prompt_T)}",
    )


def _beside_the_model() -> Figure:
    vocabulary, samples = _samples()
    losses = Stage2AB(schedule={"b_ratio": 1.0}, channel_b={"semantic_desc_gate": {"enabled": False}})
    teacher = Teacher(vocabulary, losses, RolloutMatching(), lambda: SemanticGate(None, 0.9))
    objects, ids = [each.objects for each in samples], [each.ids for each in samples]

    def run() -> int:
        judged = teacher.judge(objects, ids)
        return len([teacher.channel_b(own, one) for own, one in zip(objects, judged, strict=True)])

    pair = in_turns(lambda: bool(run()), multiply_adds)
    return cost(
        "stage2 channel B beside model and rollout, 64 samples of 60 objects",
        pair,
        MULTIPLY_ADDS,
        SPEED[MULTIPLY_ADDS] * MOST_MS / 1000,
        note=f"{1000 / pair.rate:.0f} ms of CPU time: parse, match, gate on equal words, counts, targets and weights",
    )


def _seconds(work: Callable[[], None]) -> float:
    """CPU seconds of the best of some runs, after one that fills caches."""
    work()
    found = []
    for _ in range(ROUNDS):
        start = time.process_time()
        work()
        found.append(time.process_time() - start)
    return min(found)
