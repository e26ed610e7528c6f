"""What ended a fit before its last step, and what a fit without a step had reached already."""

from typing import Any

from lightning.pytorch.callbacks import EarlyStopping, Timer
from lightning.pytorch.callbacks.early_stopping import EarlyStoppingReason

REASONS = {
    EarlyStoppingReason.STOPPING_THRESHOLD: "{monitor} reached the stopping_threshold {callback.stopping_threshold:g}",
    EarlyStoppingReason.DIVERGENCE_THRESHOLD: "{monitor} passed the divergence_threshold "
    "{callback.divergence_threshold:g}",
    EarlyStoppingReason.PATIENCE_EXHAUSTED: "{monitor} did not improve on {best:.4g} in {callback.wait_count} checks",
    EarlyStoppingReason.NON_FINITE_METRIC: "{monitor} is not finite; its best was {best:.4g}",
}


def early_end(trainer: Any) -> dict[str, str]:
    """`stopped_by`, the name of what stopped the fit, and a `message` that says why; empty where nothing did."""
    for callback in trainer.callbacks:
        if isinstance(callback, EarlyStopping) and callback.stopping_reason in REASONS:
            best = float(callback.best_score)
            reason = REASONS[callback.stopping_reason].format(monitor=callback.monitor, callback=callback, best=best)
            return {"stopped_by": type(callback).__name__, "message": reason}
        if isinstance(callback, Timer) and (left := callback.time_remaining()) is not None and left <= 0:
            steps = f"{trainer.global_step:,} steps"
            return {"stopped_by": "max_time", "message": f"trainer.max_time was over after {steps}"}
    return {}


def limit_reached(trainer: Any) -> str:
    """The limit that a fit had reached before it began, as the key that raises it."""
    if end := early_end(trainer):
        return f"{end['message']}, which is kept"
    if trainer.max_steps >= 0 and trainer.global_step >= trainer.max_steps:
        return f"trainer.max_steps={trainer.max_steps} is reached; a larger one goes on"
    return f"trainer.max_epochs={trainer.max_epochs} is reached; a larger one goes on"
