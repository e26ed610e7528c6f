"""A step of stage2's channel B without model and rollouts: a whole window of 64 samples of 60 objects is prepared.

Parsing, matching, the verdicts on descriptions (by words alone), counts, targets, weights, geometry, denominators and
figures, as `stage2/training/module.py` does it at the first micro-batch of a step.
"""

from types import SimpleNamespace
from typing import Any, cast

import numpy as np

from benchmarks.figure import Figure, cost
from benchmarks.stage2_middle import OBJECTS, ROLLOUTS, _samples
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.stage2.objective.config import ChannelB, Schedule, SemanticDescGate, Stage2AB
from railyard.stage2.objective.semantic_gate import SemanticGate
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.training.lessons import Teacher
from railyard.stage2.training.window import window_b

TARGET = 250.0  # ms
BATCHES = 8  # micro-batches of the step


def measure() -> list[Figure]:
    vocabulary, samples = _samples()
    gate = SemanticGate(None, 0.5)
    objective = Stage2AB(
        schedule=Schedule(b_ratio=1.0), channel_b=ChannelB(semantic_desc_gate=SemanticDescGate(enabled=False))
    )
    teacher = Teacher(vocabulary, objective, RolloutMatching(), lambda: gate)
    told = [SimpleNamespace(line=line, prompt_T=np.zeros(218, np.int64)) for line in range(1, ROLLOUTS + 1)]
    each = ROLLOUTS // BATCHES
    batches = cast(Any, [told[first : first + each] for first in range(0, ROLLOUTS, each)])
    objects, ids = [sample.objects for sample in samples], [sample.ids for sample in samples]

    def prepared() -> bool:
        judged = teacher.judge(objects, ids)
        lessons = [teacher.channel_b(own, one) for own, one in zip(objects, judged, strict=True)]
        window_b((0, 1), batches, judged, lessons, dict(enumerate(ids)), gate)
        return True

    pair = in_turns(prepared, multiply_adds)
    name = f"stage2 step of channel B without model and rollouts, {ROLLOUTS} samples of {OBJECTS} objects"
    limit = SPEED[MULTIPLY_ADDS] * TARGET / 1000
    return [cost(name, pair, MULTIPLY_ADDS, limit, note=f"{1000 / pair.rate:.0f} ms of CPU time, one thread")]
