"""Samples of random pictures for a detector, without files; importing this imports torch."""

from collections.abc import Sequence

import numpy as np
from tiny_detector import OBJECTS, SIZES

from railyard.stage2.language.chat import encode_prompt
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.model.pictures import cut
from railyard.stage2.rollout.sample import Sample
from railyard.stage2.scenes.records import SceneObject


def samples_for(vocabulary: Vocabulary, sizes: Sequence[tuple[int, int]] = SIZES, seed: int = 0) -> list[Sample]:
    """One sample for each size (height, width), lines from 1 on."""
    rng = np.random.default_rng(seed)
    return [
        sample_of(vocabulary, line, rng.integers(0, 256, (*size, 3), np.uint8)) for line, size in enumerate(sizes, 1)
    ]


def sample_of(
    vocabulary: Vocabulary, line: int, pixels_HW3: np.ndarray, objects: tuple[SceneObject, ...] = OBJECTS, **more: str
) -> Sample:
    tokens = pixels_HW3.shape[0] * pixels_HW3.shape[1] // 1024
    prompt_T = encode_prompt(tokens, vocabulary)
    return Sample(
        line, f"scenes.jsonl, line {line}", f"{line}.png", objects, prompt_T, pixels_HW3, cut(pixels_HW3), **more
    )
