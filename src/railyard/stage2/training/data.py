"""Scenes as a LightningDataModule: records in a computed order to samples with their images decoded.

Takes a file of scenes and its images from disk; hands lists of samples, by optimizer step, to the Lightning module and
to evaluation. The model says with which vocabulary (`learn_with`), since it brings the tokenizer.
"""

import math
from collections.abc import Iterator
from typing import TYPE_CHECKING, Any

import numpy as np

from railyard.core.arrays import I64
from railyard.core.errors import UserError
from railyard.core.store.order import Permutation, mix
from railyard.core.training.loading import BatchOrder, OrderedLoader, Positions
from railyard.core.training.ordered_data import RankedData
from railyard.core.training.stepping import SteppedLoader
from railyard.stage2.language.chat import prompt_text
from railyard.stage2.language.rendering import canonical, render
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.objective.buffer import Buffer
from railyard.stage2.rollout.sample import Sample, SampleMaker
from railyard.stage2.scenes.indexing import Records

if TYPE_CHECKING:
    from railyard.stage2.training.config import SceneData


class SceneRows:
    """Some records of a file as a source of batches."""

    def __init__(self, records: Records, numbers: I64, make: SampleMaker) -> None:
        self.records, self.numbers, self._make = records, numbers, make

    def __len__(self) -> int:
        return len(self.numbers)

    def __getitems__(self, positions: Positions) -> list[Sample]:
        numbers = self.numbers[positions]
        scenes = self.records.scenes(numbers)
        lines = (numbers + 1).tolist()
        return [self._make(scene, self.records.path, line) for scene, line in zip(scenes, lines, strict=True)]


class SceneDataModule(RankedData):
    def __init__(self, knobs: "SceneData") -> None:
        super().__init__()
        self.knobs = knobs
        self.records = Records.open(knobs.scenes, knobs.space)
        self.held_out = Records.open(knobs.validation, knobs.space) if knobs.validation else self.records
        self._train, self._validation = self._split()
        self._make: SampleMaker | None = None
        self._b_ratio, self._m_steps = 0.0, 1
        self._loader: SteppedLoader | None = None
        self._position: dict[str, Any] | None = None  # of a checkpoint

    def learn_with(self, vocabulary: Vocabulary, b_ratio: float = 0.0, m_steps: int = 1) -> None:
        """Says how texts become ids, and which share of the steps repeats its window how often (`objective/buffer`)."""
        self._make = SampleMaker(vocabulary, self.knobs.prompt.prompt, self.knobs.max_tokens)
        self._b_ratio, self._m_steps = b_ratio, m_steps

    def texts(self) -> Iterator[str]:
        """What a tokenizer is made from: the prompt, and the answers of all training records."""
        yield prompt_text(self.knobs.prompt.prompt)
        trained = np.zeros(len(self.records), bool)
        trained[self._train] = True
        for scene, is_trained in zip(self.records, trained.tolist(), strict=True):
            if is_trained:
                yield render(canonical(scene.objects))

    def transfer_batch_to_device(self, batch: Any, device: Any, dataloader_idx: int) -> Any:
        """Samples stay as they are; what a forward reads of them is moved there."""
        return batch

    def rows(self, split: str, limit: int | None = None) -> SceneRows:
        """The records of one side, `train` or `validation`, the first ones alone where there is a limit."""
        if self._make is None:
            raise ValueError("the model has to say its vocabulary first: learn_with")
        records, numbers = (self.records, self._train) if split == "train" else (self.held_out, self._validation)
        return SceneRows(records, numbers[:limit], self._make)

    def train_batches(self) -> int:
        """Micro-batches of one epoch of the Trainer, the same number on every rank."""
        return self._steps() * self._accumulated()

    def train_dataloader(self) -> SteppedLoader:
        order, knobs = self._train_order(), self.knobs
        plan = Buffer(len(order), self._accumulated(), self._b_ratio, self._m_steps)
        steps = self._steps()
        self._loader = SteppedLoader(self.rows("train"), order, knobs.workers, knobs.prefetch, plan=plan, steps=steps)
        if self._position:
            self._loader.load_state_dict(self._position)
        return self._loader

    def state_dict(self) -> dict[str, Any]:
        """Where training is in the data. Lightning gives a loader its state only inside an epoch, and this one goes on
        across them.
        """
        return {"position": self._loader.state_dict()} if self._loader else {}

    def load_state_dict(self, state_dict: dict[str, Any]) -> None:
        self._position = state_dict["position"]

    def val_dataloader(self) -> OrderedLoader:
        return self.sequential("validation", self.knobs.validation_batch_size, self.knobs.validation_limit)

    def sequential(self, split: str, batch_size: int, limit: int | None = None) -> OrderedLoader:
        """The records of one side once over all ranks, in their own order."""
        knobs = self.knobs
        return self.once(self.rows(split, limit), batch_size, workers=knobs.workers, prefetch=knobs.prefetch)

    def facts(self) -> dict[str, Any]:
        """What the provenance records: which files, by their bytes, and how many scenes are on each side."""
        held_out = {}
        if self.knobs.validation:
            held_out = {"validation": str(self.held_out.path), "validation_fingerprint": self.held_out.fingerprint}
        return {
            "scenes": str(self.records.path),
            "scenes_fingerprint": self.records.fingerprint,
            **held_out,
            "train_scenes": len(self._train),
            "train_objects": int(self.records.rows_N["objects"][self._train].sum()),
            "validation_scenes": len(self._validation),
        }

    def _split(self) -> tuple[I64, I64]:
        """Numbers of the records of both sides, ascending, neither empty."""
        everything = np.arange(len(self.records))
        if self.held_out is not self.records:
            return everything, np.arange(len(self.held_out))
        if len(everything) < 2:
            raise UserError(
                f"{self.records.path} has one scene, and a share of them is held out: give data.validation=, or a "
                "data set of more scenes"
            )
        count = min(max(1, round(len(everything) * self.knobs.validation_fraction)), len(everything) - 1)
        shuffled = Permutation(len(everything), mix(self.knobs.split_seed))(everything)
        return np.sort(shuffled[count:]), np.sort(shuffled[:count])

    def _train_order(self) -> BatchOrder:
        """The last batch of an epoch may be short: every sample is seen, and windows hold the same samples however
        they are cut.
        """
        (rank, world), knobs = self.place(), self.knobs
        return BatchOrder(len(self._train), knobs.batch_size, knobs.order_seed, knobs.shuffle, False, rank, world)

    def _steps(self) -> int:
        """Optimizer steps of an epoch of the Trainer: as many as the data have windows."""
        return math.ceil(len(self._train_order()) / self._accumulated())

    def _accumulated(self) -> int:
        return int(self.trainer.accumulate_grad_batches) if self.trainer else 1
