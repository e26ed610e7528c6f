"""One scene as a model takes it: the prompt as ids, the picture, and what is to be found in it.

The data module makes samples (`training/data.py`); rollouts, both channels and evaluation read them. Training and
rollouts share the prompt of a sample, so they cannot differ in it.
Legend: T tokens, H, W sides in pixels.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path

import numpy as np

from railyard.core.arrays import I64, U8
from railyard.core.errors import BadRecord, short
from railyard.stage2.language.chat import conversation, encode_prompt, image_tokens
from railyard.stage2.language.encoding import ObjectEncoder
from railyard.stage2.language.prompts import Prompt
from railyard.stage2.language.rendering import canonical
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.model.pictures import Patches, cut
from railyard.stage2.scenes.pictures import picture_of
from railyard.stage2.scenes.records import Scene, SceneObject

WRITTEN = "rollout"  # of metadata


@dataclass(frozen=True, eq=False)
class Sample:
    """A scene for a model.

    `line`: its record in the file of scenes, from 1. `name`: that record as messages name it. `objects`: in canonical
    order. `prompt_T`: the ids up to where the answer begins, image tokens included. `pixels_HW3`: the picture as fed;
    `patches`: the same as the model sees it. `written`: what `rollout_backend=scripted` answers, from the record.
    """

    line: int
    name: str
    image: str
    objects: tuple[SceneObject, ...]
    prompt_T: I64 = field(repr=False)
    pixels_HW3: U8 = field(repr=False)
    patches: Patches = field(repr=False)
    written: str | None = None


Samples = Sequence[Sample]


class SampleMaker:
    """Makes samples of scenes for one vocabulary and one prompt.

    `max_tokens`: of prompt and answer together; a longer sample is refused, never cut.
    """

    def __init__(self, vocabulary: Vocabulary, prompt: Prompt, max_tokens: int) -> None:
        self._vocabulary, self._max_tokens = vocabulary, max_tokens
        self._encode = ObjectEncoder(vocabulary)
        self._prompt = lru_cache(256)(lambda tokens: encode_prompt(tokens, vocabulary, prompt))

    def __call__(self, scene: Scene, file: Path, line: int) -> Sample:
        """The sample of a record.

        Raises UserError, naming file and line, for an image that is gone, damaged or of another size, and for prompt
        and answer that are too long together.
        """
        name = f"{file}, line {line}"
        objects = tuple(canonical(scene.objects))
        prompt_T = self._prompt(image_tokens(scene.width, scene.height, name))
        answer_T = self._encode(objects).ids_T
        conversation(prompt_T, answer_T, self._vocabulary, sample=name, max_tokens=self._max_tokens)
        written = (scene.metadata or {}).get(WRITTEN)
        if not isinstance(written, str | None):
            raise BadRecord(file, f"metadata.{WRITTEN} is the text of a rollout, got {short(written)}", line)
        pixels_HW3 = _pixels(scene, file, line)
        return Sample(line, name, scene.image, objects, prompt_T, pixels_HW3, cut(pixels_HW3), written)


def _pixels(scene: Scene, file: Path, line: int) -> U8:
    image = file.parent / scene.image
    try:
        picture = picture_of(image)
    except ValueError as fault:
        raise BadRecord(file, str(fault), line) from fault
    if picture.size != (scene.width, scene.height):
        found = f"{picture.width} x {picture.height}"
        raise BadRecord(file, f"the record says {scene.width} x {scene.height}, the image {image} has {found}", line)
    return np.asarray(picture)
