"""Who generates the rollouts of a run, by `rollout_backend`."""

from railyard.core.errors import UserError
from railyard.stage2.model.detector import Detector
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.rollouts import Rollouts, Scripted


def rollouts_of(knobs: RolloutMatching, detector: Detector) -> Rollouts:
    """The model itself, or the answers that the records hold. UserError for a backend that is not there."""
    if knobs.rollout_backend == "scripted":
        return Scripted(detector.vocabulary)
    if knobs.rollout_backend == "vllm":
        raise UserError(
            "custom.extra.rollout_matching.rollout_backend: rollouts by a vLLM server are not part of this version; "
            "hf lets the model that is trained write them"
        )
    from railyard.stage2.rollout.hf import HfRollouts

    return HfRollouts(detector)
