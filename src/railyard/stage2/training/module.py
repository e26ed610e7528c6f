"""The trainer with two channels as a LightningModule, with automatic optimization.

A window is prepared whole at its first micro-batch: its channel, rollouts of all its samples, targets, weights, and the
denominators of all ranks. Each micro-batch then adds its share of the window's mean. What makes a window stands in
`lessons.py` and `window.py`, the forwards in `passes.py`.
"""

from collections.abc import Mapping, Sequence
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor

from railyard.core.errors import Diverged, RailyardError
from railyard.core.training import figures
from railyard.core.training.figures import Figures, count, gauge, ratio
from railyard.core.training.stepping import MicroBatch
from railyard.stage2.evaluation.judging import Judging
from railyard.stage2.model import folders, parts, pictures
from railyard.stage2.model.build import build
from railyard.stage2.model.config import Lora
from railyard.stage2.objective import embedding_model
from railyard.stage2.objective.buffer import channel_is_b, check_reuse
from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.objective.reduction import Sums
from railyard.stage2.objective.schedule import rollout_seed
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.objective.total import COORD_TERMS, total
from railyard.stage2.rollout.sample import Sample
from railyard.stage2.settings import Custom
from railyard.stage2.training import opened, passes
from railyard.stage2.training.backends import rollouts_of
from railyard.stage2.training.lessons import Lesson, Teacher, denominators
from railyard.stage2.training.validating import Validating
from railyard.stage2.training.window import CHANNEL_B, Stopwatch, Window, lines_of, window_a, window_b

if TYPE_CHECKING:
    from railyard.stage2.training.data import SceneDataModule
    from railyard.stage2.training.model_config import DetectorModel


class Stage2Module(Validating):
    def __init__(
        self,
        knobs: "DetectorModel",
        data: "SceneDataModule",
        stage2_ab: Stage2AB,
        custom: Custom,
        total_steps: int,
        objective: None = None,
    ) -> None:
        super().__init__()
        self.knobs, self.losses, self.matching = knobs, stage2_ab, custom.extra.rollout_matching
        self.total_steps = total_steps
        self.detector = build(knobs.network, data.texts)
        data.learn_with(self.detector.vocabulary, stage2_ab.schedule.b_ratio, self.matching.rollout_buffer.steps)
        self.teacher = Teacher(self.detector.vocabulary, stage2_ab, self.matching, lambda: self.gate)
        self.rollouts = rollouts_of(self.matching, self.detector)
        self.judging = Judging(self.detector, self.rollouts, self.matching, knobs.rollout_seed)
        self._weights = passes.term_weights(stage2_ab)
        self._window: Window | None = None
        self._lines: dict[int, int] = {}  # of the window's samples on this rank, by their place in the step
        self._open: opened.OpenWindow | None = None
        self._figures: Figures = {}
        self._watch, self._steps_begun = Stopwatch(), 0

    @cached_property
    def gate(self) -> SemanticGate:
        """Loaded when it is first asked: channel A needs none."""
        knobs = self.losses.channel_b.semantic_desc_gate
        if not knobs.enabled or knobs.revision is None:
            return SemanticGate(None, knobs.threshold)
        return embedding_model.load(knobs.model_name_or_path, knobs.revision, knobs.threshold)

    def training_step(self, micro: MicroBatch, batch_idx: int) -> Tensor:
        window = self._window_of(micro)
        if not micro.batch:
            return self._nothing()
        lessons = window.lessons[micro.index]
        with self._watch.measured("time/forward"):
            session = self.detector.begin(
                [sample.prompt_T for sample in micro.batch], pictures.batch([sample.patches for sample in micro.batch])
            )
            if window.is_channel_b:
                found, apart = passes.channel_b(session, lessons, self.losses, self.global_step)
            else:
                found, apart = passes.channel_a(session, lessons, self.losses, self.global_step), None
        self._report(found, apart, lessons)
        shares = {term: sums.share(window.denominators[term]) for term, sums in found.items()}
        loss = total(shares, self._weights)
        assert isinstance(loss, Tensor)
        # Lightning divides by the one, DDP by the other
        scaled = loss * (self.trainer.accumulate_grad_batches * self.trainer.world_size)
        self.log("train/loss", scaled.detach(), logger=False, batch_size=len(lessons))  # for progress; rows have ratios
        return scaled

    def _nothing(self) -> Tensor:
        """No loss: the step has no such micro-batch. Every weight takes part, as ranks that wait for it expect."""
        zeros = [weight.sum() * 0 for weight in self.detector.parameters() if weight.requires_grad]
        return torch.stack([zero.float() for zero in zeros]).sum()

    def _window_of(self, micro: MicroBatch) -> Window:
        """The window that a micro-batch belongs to, prepared if this is the first of a step that needs it."""
        if micro.index == 0:
            self._steps_begun += 1
            self._window = self._prepared(micro)
            self._figures = figures.added([self._figures, self._window.figures])
            if self._window.is_channel_b:
                is_reuse = gauge(self.global_step > self._window.first_step)
                self._figures = figures.added([self._figures, {f"{CHANNEL_B}/is_reuse_step": is_reuse}])
        assert self._window is not None
        return self._window

    def _prepared(self, micro: MicroBatch) -> Window:
        step, stretch = self.global_step, micro.stretch
        if micro.step != step:
            raise RailyardError(f"the loader is at optimizer step {micro.step}, but the trainer at {step}: start anew")
        before, is_reuse = self._window, stretch.is_reuse(step)
        if is_reuse and before is not None and before.first_step == stretch.first_step:
            check_reuse(before.samples, lines_of(micro.batches), step)
            return before
        self._lines = {
            place + index: sample.line
            for place, batch in zip(micro.places, micro.batches, strict=True)
            for index, sample in enumerate(batch)
        }
        samples = [sample for batch in micro.batches for sample in batch]
        if is_reuse:
            return self._taught_b(micro, samples, self._rollouts_kept(step))
        if channel_is_b(step, self.losses.schedule.b_ratio, is_reuse):
            return self._taught_b(micro, samples, self._rolled_out(samples, step))
        with self._watch.measured("time/encode"):
            lessons = [self.teacher.channel_a(sample.objects) for sample in samples]
        return window_a(step, micro.batches, lessons)

    def _rolled_out(self, samples: Sequence[Sample], step: int) -> Mapping[int, Sequence[int]]:
        """A rollout of each sample by the weights of now, by its place in the step."""
        seeds = [rollout_seed(self.knobs.rollout_seed, step, place) for place in self._lines]
        watch = Stopwatch()
        with self._watch.measured("time/rollout_generate"), watch.measured("seconds"):
            rollouts = self.rollouts.generate(samples, self.matching, seeds) if samples else []
        seconds = watch.taken(1)["seconds"].value()
        self._watch.note("rollout/gen_tokens_per_s", ratio((sum(map(len, rollouts)), seconds)))
        return dict(zip(self._lines, rollouts, strict=True))

    def _rollouts_kept(self, step: int) -> Mapping[int, Sequence[int]]:
        """Those that the checkpoint has of a window that was open."""
        if self._open is None:
            raise RailyardError(
                f"step {step} is to learn again from rollouts that the checkpoint does not hold: start a new run from "
                "its weights, the init/ of its run"
            )
        return self._open.of_rank(self._lines, step)

    def _taught_b(self, micro: MicroBatch, samples: Sequence[Sample], rollouts: Mapping[int, Sequence[int]]) -> Window:
        objects = [sample.objects for sample in samples]
        with self._watch.measured("time/parse_match"):
            judged = self.teacher.judge(objects, [*rollouts.values()])
        with self._watch.measured("time/encode"):
            lessons = [self.teacher.channel_b(own, one) for own, one in zip(objects, judged, strict=True)]
        steps = micro.stretch.first_step, micro.stretch.next_step
        return window_b(steps, micro.batches, judged, lessons, rollouts, self.gate)

    def _report(self, found: Mapping[str, Sums], apart: Sums | None, lessons: Sequence[Lesson]) -> None:
        """Adds the losses of a micro-batch to the figures, each as numerator and planned denominator."""
        planned = denominators(lessons)
        read = _read(found)
        if planned["ce"] and not read["ce"].denominator:
            raise Diverged(
                f"the loss of step {self.global_step} is not finite for any token of a micro-batch: the weights have "
                "diverged, or a value of the data is beyond float32; try a lower learning rate"
            )
        pairs = {term: (float(read[term].numerator) if term in read else 0.0, planned[term]) for term in planned}
        coord = [(self._weights[term] * pairs[term][0], pairs[term][1]) for term in COORD_TERMS]
        reported = {
            **{f"loss/{term}": ratio(pair) for term, pair in pairs.items()},
            "loss/coord": ratio(*coord),
            "train/loss": ratio(pairs["ce"], *coord),
            "loss/nonfinite_rows": count(sum(float(sums.nonfinite) for sums in read.values())),
        }
        if apart is not None:
            reported["rollout/argmax_disagreement"] = ratio((float(apart.numerator), float(apart.denominator)))
        self._figures = figures.added([self._figures, reported])

    def take_figures(self) -> Figures:
        found, self._figures = self._figures, {}
        return found

    def take_timings(self) -> Figures:
        steps, self._steps_begun = self._steps_begun, 0
        return self._watch.taken(steps)

    def on_save_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        window = self._window
        if window is not None and window.is_channel_b and self.global_step < window.next_step:
            checkpoint[opened.KEY] = opened.OpenWindow.of(window, self._lines, self.global_step).plain()

    def on_load_checkpoint(self, checkpoint: dict[str, Any]) -> None:
        kept = checkpoint.get(opened.KEY)
        self._open = opened.OpenWindow.restored(kept) if kept else None

    def kept_weights(self) -> list[str]:
        """All, unless adapters stand on the weights of a folder."""
        if not (isinstance(self.knobs.network.tuning, Lora) and self.knobs.stands_on()):
            return [*self.state_dict()]
        return [name for name, weight in self.named_parameters() if weight.requires_grad]

    def configure_optimizers(self) -> Any:
        knobs = self.knobs
        optimizer = knobs.optimizer.leaf()(parts.groups(self.detector, knobs.network.rates, knobs.optimizer.kwargs))
        schedule = torch.optim.lr_scheduler.LambdaLR(
            optimizer, lambda step: knobs.schedule.multiplier(step, self.total_steps)
        )
        return {"optimizer": optimizer, "lr_scheduler": {"scheduler": schedule, "interval": "step"}}

    def facts(self) -> dict[str, Any]:
        """What the provenance records of the model: the gate's, where channel B is to come."""
        wanted = self.losses.channel_b.semantic_desc_gate.enabled and self.losses.schedule.b_ratio > 0
        return {"semantic_desc_gate": {**self.gate.identity, "is_active": self.gate.is_active}} if wanted else {}

    def write_init(self, folder: Path) -> None:
        """The best weights as a folder that transformers reads, adapters merged."""
        folders.write(folder, self.detector)


def _read(found: Mapping[str, Sums]) -> dict[str, Sums]:
    """Sums as floats, fetched from the device at once."""
    parts_ = [part for sums in found.values() for part in (sums.numerator, sums.denominator, sums.nonfinite)]
    tensors = [torch.as_tensor(part).detach() for part in parts_]
    dtype = torch.float32 if tensors[0].device.type == "mps" else torch.float64
    numbers = torch.stack([tensor.to(dtype) for tensor in tensors]).tolist()
    return {term: Sums(*numbers[3 * at : 3 * at + 3]) for at, term in enumerate(found)}
