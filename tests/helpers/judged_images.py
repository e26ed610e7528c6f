"""Judged images from written answers, for what is made of them."""

import numpy as np
from stage2_samples import sample_of
from tiny_detector import shared_tiny_detector

from railyard.stage2.evaluation.judged import Judged, judge
from railyard.stage2.language.rendering import render
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.parsing import parse
from railyard.stage2.scenes.records import SceneObject

CUP, DOG = SceneObject("red cup", (1, 2, 300, 400)), SceneObject("blue dog", (500, 200, 900, 400))
PIXELS = np.zeros((64, 96, 3), np.uint8)


def judged(line: int, true, answer, confidences=None, **keys) -> Judged:
    """`answer`: objects that are rendered, or text."""
    vocabulary = shared_tiny_detector().vocabulary
    text = answer if isinstance(answer, str) else render(answer)
    ids = [*vocabulary.encode(text), vocabulary.im_end]
    scores = confidences or [0.5] * len(parse(ids, vocabulary).predictions)
    return judge(sample_of(vocabulary, line, PIXELS, tuple(true)), ids, scores, RolloutMatching(**keys), vocabulary)
