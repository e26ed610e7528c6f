"""Who generates the rollouts of a run, by `rollout_backend`."""

from railyard.stage2.model.detector import Detector
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.rollouts import Rollouts, Scripted


def rollouts_of(knobs: RolloutMatching, detector: Detector) -> Rollouts:
    """The model itself, a server, or the answers that the records hold."""
    if knobs.rollout_backend == "scripted":
        return Scripted(detector.vocabulary)
    if knobs.rollout_backend == "vllm":
        from railyard.stage2.rollout.vllm import VllmRollouts

        return VllmRollouts(knobs.vllm, detector)
    from railyard.stage2.rollout.hf import HfRollouts

    return HfRollouts(detector)
