"""What `data=stage2_scenes` says: the knobs of training on scenes, and those of evaluation."""

from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import Field

from railyard.core.config.component import Component, PathKnob
from railyard.core.rail import Evaluation
from railyard.core.training.devices import Device
from railyard.core.training.experiment import Data
from railyard.core.training.subject import Subject
from railyard.stage2.language.prompts import PROMPT, Prompt
from railyard.stage2.scenes.config import SPACE, Space


class PromptTexts(Component):
    """What the model is asked, in training and in rollouts alike."""

    system: str = Field(PROMPT.system, min_length=1, description="the system turn: what to write, and how")
    user: str = Field(PROMPT.user, min_length=1, description="the sentence after the image")

    @property
    def prompt(self) -> Prompt:
        return Prompt(self.system, self.user)


class SceneData(Data):
    """Scenes with their images, in a computed order."""

    scenes: PathKnob = Field(
        description="a file of scenes (.jsonl) or the folder of a data set; `railyard scenes` and `convert` make one"
    )
    validation: PathKnob | None = Field(
        None, description="scenes that are held out, in the same form; null: a share of data.scenes"
    )
    validation_fraction: Annotated[float, Field(gt=0, lt=1)] = Field(
        0.1, description="share of data.scenes held out where data.validation is null"
    )
    split_seed: Annotated[int, Field(ge=0)] = Field(
        0, description="which scenes are held out; equal in all runs that are to be compared"
    )
    validation_limit: Annotated[int, Field(ge=1)] | None = Field(
        64, description="held-out images that a validation inside training looks at, the first ones; null: all"
    )
    space: Space = Field("auto", description=SPACE)
    prompt: PromptTexts = Field(PromptTexts(), description="what the model is asked")
    max_tokens: Annotated[int, Field(ge=16)] = Field(
        4096, description="most tokens of prompt, image and answer; a longer sample ends the run, none is ever cut"
    )
    batch_size: Annotated[int, Field(ge=1)] = Field(8, description="samples of a micro-batch on one rank (device)")
    validation_batch_size: Annotated[int, Field(ge=1)] = Field(16, description="samples a batch without gradients")
    order_seed: Annotated[int, Field(ge=0)] = Field(0, description="the order of samples within an epoch")
    shuffle: bool = Field(True, description="false reads samples in their own order")
    workers: Annotated[int, Field(ge=0)] = Field(
        0, description="processes that decode images ahead; 0 uses a thread, which is enough for one GPU"
    )
    prefetch: Annotated[int, Field(ge=1)] = Field(4, description="micro-batches read ahead at the most")

    def build(self, **runtime: Any) -> Any:
        from railyard.stage2.training.data import SceneDataModule

        return SceneDataModule(self)


class DetectorEvaluation(Evaluation, abstract=True):
    """What a detector writes about held-out images, beside the truth."""

    split: Literal["validation", "train"] = Field("validation", description="which side of the data")
    limit_images: Annotated[int, Field(ge=1)] | None = Field(None, description="the first images only; null: all")
    batch_size: Annotated[int, Field(ge=1)] = Field(16, description="images at a time")
    overlays: Annotated[int, Field(ge=0)] = Field(
        12, description="images that are drawn, the first ones; the worst are drawn besides"
    )
    seed: Annotated[int, Field(ge=0)] = Field(0, description="what sampled rollouts follow from; greedy ones need none")
    device: Device = Field("auto", description="auto takes what is there; cuda:1 is a second GPU")

    def evaluate(self, subject: Subject, out: Path) -> dict[str, Any]:
        from railyard.stage2.training.subject import evaluate

        return evaluate(subject, out, self)
