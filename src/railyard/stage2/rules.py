"""Rules of the stage2 rail that concern more than one component: checked before anything is opened or built."""

from collections.abc import Iterator

from railyard.core.config.faults import Fault
from railyard.core.training.callbacks.config import Saver
from railyard.core.training.experiment import Experiment
from railyard.stage2.training.config import SceneData
from railyard.stage2.training.model_config import DetectorModel

WANTED = {"data": (SceneData, "data=stage2_scenes"), "model": (DetectorModel, "model=stage2_detector")}


def check(experiment: Experiment) -> list[Fault]:
    """All faults of an experiment that has this rail's keys, its data or its model."""
    return [fault for rule in (_parts, _objective, _whole_steps, _monitor) for fault in rule(experiment)]


def _parts(experiment: Experiment) -> Iterator[Fault]:
    for name, (kind, option) in WANTED.items():
        if not isinstance(getattr(experiment, name), kind):
            yield Fault((name,), f"the trainer stage2_ab_training goes with {option}")


def _objective(experiment: Experiment) -> Iterator[Fault]:
    if experiment.objective is not None:
        yield Fault(("objective",), "the losses of this trainer are those of stage2_ab: write objective=null")


def _whole_steps(experiment: Experiment) -> Iterator[Fault]:
    """A step that ends before its window would learn from a part of it."""
    keys = experiment.trainer.kwargs
    accumulated, limit = keys.get("accumulate_grad_batches") or 1, keys.get("limit_train_batches")
    if keys.get("overfit_batches"):
        yield Fault(("trainer", "overfit_batches"), "is not for this trainer: give data.scenes of a few scenes instead")
    if isinstance(limit, float) and limit != 1.0 and accumulated > 1:
        message = (
            f"must be a number of micro-batches, a multiple of accumulate_grad_batches={accumulated}, or a step would "
            f"end early, got a share ({limit}): trainer.limit_train_batches={10 * accumulated}, for example"
        )
        yield Fault(("trainer", "limit_train_batches"), message)
    if isinstance(limit, int) and limit % accumulated:
        message = f"must be a multiple of accumulate_grad_batches={accumulated}, or a step would end early, got {limit}"
        yield Fault(("trainer", "limit_train_batches"), message)


def _monitor(experiment: Experiment) -> Iterator[Fault]:
    """The best checkpoint is chosen by what rollouts of held-out images come to; there is no validation loss."""
    validates = experiment.trainer.kwargs.get("limit_val_batches") != 0
    for name, part in (experiment.callbacks or {}).items():
        if validates and isinstance(part, Saver) and (part.monitor or "").startswith("val/"):
            message = "stage2 logs none: monitor=eval/AP_loc mode=max (extra coco) or monitor=eval_rollout_f1 mode=max"
            yield Fault(("callbacks", name, "monitor"), f"{message}, got {part.monitor}")
