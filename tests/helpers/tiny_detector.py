"""A detector of 0.3M random parameters, and a batch of three images with answers; importing this imports torch."""

import functools
from dataclasses import dataclass

import numpy as np
import torch

from railyard.stage2.language.chat import encode_prompt
from railyard.stage2.language.rendering import render
from railyard.stage2.model import pictures
from railyard.stage2.model.answers import Answers, answers
from railyard.stage2.model.build import build
from railyard.stage2.model.config import Network, Random, Tuning
from railyard.stage2.model.detector import Detector
from railyard.stage2.scenes.records import SceneObject

SHAPE = Random(hidden=64, layers=2, vision_hidden=32)
OBJECTS = (SceneObject("red cup", (1, 2, 30, 40)), SceneObject("blue dog", (100, 200, 300, 400)))
TEXTS = (render(OBJECTS),)
SIZES = ((96, 128), (64, 64), (128, 96))  # height and width


def tiny_detector(seed: int = 0, tuning: Tuning | None = None, **keys) -> Detector:
    """The same weights for the same seed."""
    torch.manual_seed(seed)
    given = {} if tuning is None else {"tuning": tuning}
    return build(Network(weights=keys.pop("weights", SHAPE), **given, **keys), lambda: TEXTS)


@dataclass(frozen=True)
class Batch:
    """What a session takes, and answers of different lengths (the last one is empty)."""

    patches: list[pictures.Patches]
    prompts: list[np.ndarray]
    ids: list[list[int]]

    @property
    def pictures(self) -> pictures.Pictures:
        return pictures.batch(self.patches)

    @property
    def answers(self) -> Answers:
        return answers(self.ids)


def tiny_batch(detector: Detector, sizes=SIZES, seed: int = 0) -> Batch:
    rng = np.random.default_rng(seed)
    cut = [pictures.cut(rng.integers(0, 256, (*size, 3), dtype=np.uint8)) for size in sizes]
    prompts = [encode_prompt(int(each.grid_3.prod()) // 4, detector.vocabulary) for each in cut]
    objects = [OBJECTS * (1 + index % 2) for index in range(len(sizes) - 1)]
    ids = [[*detector.vocabulary.encode(render(some)), detector.vocabulary.im_end] for some in objects]
    return Batch(cut, prompts, [*ids, []])


def alone(detector: Detector, batch: Batch, sample: int, ids: list[int]) -> torch.Tensor:
    """States [1 + T, H] of one sample by transformers' own forward, from the last token of the prompt on."""
    whole = torch.from_numpy(np.concatenate([batch.prompts[sample], np.array(ids, np.int64)]))[None]
    patches = batch.patches[sample]
    found = detector.settle().model(
        input_ids=whole,
        mm_token_type_ids=(whole == detector.image_pad).int(),
        pixel_values=torch.from_numpy(patches.patches_PC),
        image_grid_thw=torch.from_numpy(patches.grid_3)[None],
        use_cache=False,
    )
    return found.last_hidden_state[0, len(batch.prompts[sample]) - 1 :]


shared_tiny_detector = functools.cache(tiny_detector)  # for tests that change nothing
