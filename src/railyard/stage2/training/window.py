"""A window as one rank prepares it at its first micro-batch: lessons, rollouts, denominators over all ranks, figures.

All optimizer steps of the window learn from it; what is left of an open one goes into the checkpoint (`opened.py`).
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from time import perf_counter

import numpy as np

from railyard.core.training import distributed, figures
from railyard.core.training.figures import Figures, count, gauge, ratio
from railyard.stage2.matching.counts import STRICT_DROP, Counts
from railyard.stage2.objective.buffer import fingerprint
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.rollout.parsing import BUCKETS
from railyard.stage2.rollout.sample import Sample
from railyard.stage2.training.lessons import Judged, Lesson, denominators

CHANNEL_B = "stage2_ab/channel_b"
GATE = f"{CHANNEL_B}/semantic_desc_gate"
TAIL = 90  # percentile of lengths

Batches = Sequence[Sequence[Sample]]


@dataclass(frozen=True)
class Window:
    """`lessons` of this rank by micro-batch, for steps [first_step, next_step).

    `denominators`: of each term, all planned rows of the window over all ranks. `figures`: what each step on it adds to
    a row of metrics. `rollouts`: of channel B, by the place of their sample in the step.
    """

    first_step: int
    next_step: int
    is_channel_b: bool
    lessons: tuple[tuple[Lesson, ...], ...] = field(repr=False)
    denominators: Mapping[str, float]
    figures: Figures = field(repr=False)
    samples: str  # their fingerprint
    rollouts: Mapping[int, Sequence[int]] = field(default_factory=dict, repr=False)


def lines_of(batches: Batches) -> list[list[int]]:
    """The samples of a window by micro-batch, each by the line of its record."""
    return [[sample.line for sample in batch] for batch in batches]


def by_batch(batches: Batches, values: Sequence[Lesson]) -> tuple[tuple[Lesson, ...], ...]:
    """Values of all samples of a window, put apart by micro-batch."""
    ends = np.cumsum([len(batch) for batch in batches])
    return tuple(tuple(values[end - len(batch) : end]) for batch, end in zip(batches, ends, strict=True))


def window_a(first_step: int, batches: Batches, lessons: Sequence[Lesson]) -> Window:
    """A window of channel A, which is used once. All ranks call this together."""
    return Window(
        first_step,
        first_step + 1,
        False,
        by_batch(batches, lessons),
        _summed(denominators(lessons)),
        _channel_figures(False),
        fingerprint(lines_of(batches)),
    )


def window_b(
    steps: tuple[int, int],
    batches: Batches,
    judged: Sequence[Judged],
    lessons: Sequence[Lesson],
    rollouts: Mapping[int, Sequence[int]],
    gate: SemanticGate,
) -> Window:
    """A window of channel B for steps [first, next). All ranks call this together."""
    samples = [sample for batch in batches for sample in batch]
    found = {
        **_channel_figures(True),
        **_rollout_figures(sum((one.counts for one in judged), Counts())),
        **_length_figures(samples, [*rollouts.values()], lessons),
        **_gate_figures(judged, gate),
        "stage2/raw_rollouts": count(len(rollouts)),
        f"{CHANNEL_B}/b2_skipped": count(sum(lesson.scaffold_T is None for lesson in lessons)),
        # a target whose last brace is not found is refused where it is built, so none is ever passed over
        f"{CHANNEL_B}/stop_neutral/N_skip": count(0),
        f"{CHANNEL_B}/stop_neutral/N_merged": count(sum(lesson.target.merged for lesson in lessons)),
    }
    return Window(
        *steps,
        True,
        by_batch(batches, lessons),
        _summed(denominators(lessons)),
        found,
        fingerprint(lines_of(batches)),
        rollouts,
    )


def _summed(own: Mapping[str, float]) -> dict[str, float]:
    """Over all ranks, added in their order."""
    parts = distributed.gathered(dict(own))
    return {term: sum(part[term] for part in parts) for term in own}


def _channel_figures(is_b: bool) -> Figures:
    """Which channel a step was: counted once, by the first rank."""
    once = 1 if distributed.rank() == 0 else 0
    return {"stage2/channel_a": count(once * (not is_b)), "stage2/channel_b": count(once * is_b)}


def _rollout_figures(own: Counts) -> Figures:
    largest = max(distributed.gathered(own.max_same_desc))
    return {
        f"{STRICT_DROP}/N_valid_pred": count(own.kept),
        f"{STRICT_DROP}/N_drop_invalid": count(own.drops.total()),
        **{f"{STRICT_DROP}/reason/{bucket}": count(own.drops[bucket]) for bucket in BUCKETS},
        "rollout/precision": ratio((own.matched, own.kept)),
        "rollout/recall": ratio((own.matched, own.objects)),
        "rollout/f1": ratio((2 * own.matched, own.kept + own.objects)),
        "rollout/fp": count(own.kept - own.matched),
        "rollout/fn": count(own.objects - own.matched),
        "rollout/match_rate": ratio((own.matched, own.objects)),
        "rollout/gt_objects": count(own.objects),
        "rollout/valid_pred_objects": count(own.kept),
        "rollout/gating_rejections": count(own.gated),
        "rollout/matched_iou_mean": ratio((own.ious, own.matched)),
        "rollout/parse_truncated_rate": ratio((own.truncated, own.images)),
        "rollout/near_duplicate_rate": ratio((own.repeated, own.kept)),
        "rollout/max_same_desc": gauge(largest),
        "rollout/pred_per_gt": ratio((own.kept, own.objects)),
    }


def _length_figures(samples: Sequence[Sample], rollouts: Sequence[Sequence[int]], lessons: Sequence[Lesson]) -> Figures:
    """Mean and tail of the lengths in tokens; the tail is that of all ranks."""
    own = {
        "prompt": [len(sample.prompt_T) for sample in samples],
        "rollout": [len(ids) for ids in rollouts],
        "target": [len(lesson.target.ids_T) for lesson in lessons],
    }
    parts = distributed.gathered(own)
    found: Figures = {}
    for name, lengths in own.items():
        everywhere = [length for part in parts for length in part[name]]
        found[f"rollout/{name}_len_mean"] = ratio((sum(lengths), len(lengths)))
        found[f"rollout/{name}_len_p{TAIL}"] = gauge(np.percentile(everywhere, TAIL) if everywhere else 0.0)
    return found


def _gate_figures(judged: Sequence[Judged], gate: SemanticGate) -> Figures:
    return {
        f"{GATE}/is_active": gauge(gate.is_active),
        f"{GATE}/accepted": count(sum(int(one.accepted_M.sum()) for one in judged)),
        f"{GATE}/pairs": count(sum(len(one.accepted_M) for one in judged)),
    }


class Stopwatch:
    """Seconds of parts of a step by name, and other figures that depend on a clock."""

    def __init__(self) -> None:
        self._seconds: dict[str, float] = {}
        self._more: Figures = {}

    @contextmanager
    def measured(self, name: str) -> Iterator[None]:
        begin = perf_counter()
        try:
            yield
        finally:
            self._seconds[name] = self._seconds.get(name, 0.0) + perf_counter() - begin

    def note(self, name: str, figure: figures.Figure) -> None:
        self._more = figures.added([self._more, {name: figure}])

    def taken(self, steps: int) -> Figures:
        """What was measured since the last call, as means over optimizer steps, of which `steps` have begun."""
        found = {name: ratio((seconds, steps)) for name, seconds in self._seconds.items()} | self._more
        self._seconds, self._more = {}, {}
        return found
