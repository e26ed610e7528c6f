"""Rules of the board rail that concern more than one component: checked before anything is opened or built."""

from collections import defaultdict

from railyard.board.training.config import BoardModel, BoardStrength, PackData
from railyard.board.training.objectives import NONFINITE, BoardObjective
from railyard.core.config.component import Foreign
from railyard.core.config.conf_folders import options
from railyard.core.config.faults import Fault
from railyard.core.config.targets import TABLE
from railyard.core.training.experiment import Experiment

MUON, MUON_OPTION = "torch.optim.Muon", "model=board_encoder_muon"


def check(experiment: Experiment) -> list[Fault]:
    """All faults of an experiment that uses the board's data or model."""
    return [
        fault
        for rule in (_tokenizer, _optimizer, _growing_batch, _objective, _heads, _strength)
        for fault in rule(experiment)
    ]


def metrics(experiment: Experiment) -> set[str] | None:
    """Names of all that a run of the board encoder may log; None for other models and with further callbacks."""
    model, objective = experiment.model, experiment.objective
    if not isinstance(model, BoardModel) or not isinstance(objective, BoardObjective):
        return None
    if getattr(experiment.data, "rejection", None) is not None:  # its mixes have figures of their own
        return None
    heads = {f"value_{name}" for name in model.value_heads}
    found = {"train/loss", *(f"train/{head}_loss" for head in heads)}
    validated = {*objective.metrics(defaultdict(float), 1.0), NONFINITE}
    validated |= {f"{head}_{figure}" for head in heads for figure in ("loss", "brier")}
    found |= {f"val/{name}" for name in validated}
    for part in (experiment.callbacks or {}).values():
        if isinstance(part, BoardStrength):
            found |= {f"strength/{name}" for name in ("mean_score", "low", "high")}
            found |= {f"strength/reach_{2**exponent}" for exponent in range(1, 18)}
        elif isinstance(part, Foreign) and part.target not in TABLE:
            return None
    return found


def _tokenizer(experiment: Experiment) -> list[Fault]:
    objective = experiment.objective
    needs_none = isinstance(objective, BoardObjective) and objective.labels is None
    if not needs_none and isinstance(experiment.data, PackData) and experiment.data.tokenizer is None:
        return [Fault(("data", "tokenizer"), "training needs one: make it with `railyard tokenizer pack=… out=…`")]
    return []


def _optimizer(experiment: Experiment) -> list[Fault]:
    if not isinstance(experiment.model, BoardModel):
        return []
    main, other = experiment.model.optimizer, experiment.model.other_optimizer
    found = [
        Fault(("model", name, "_target_"), f"must be a class of torch.optim, got {part.target}")
        for name, part in (("optimizer", main), ("other_optimizer", other))
        if part is not None and not part.target.startswith("torch.optim.")
    ]
    if (main.target == MUON) != (other is not None):
        found.append(Fault(("model", "other_optimizer"), f"goes with {MUON}, and that with it: try {MUON_OPTION}"))
    if other is not None and other.target == MUON:
        found.append(Fault(("model", "other_optimizer"), f"{MUON} takes matrices only: use torch.optim.AdamW here"))
    return found


def _growing_batch(experiment: Experiment) -> list[Fault]:
    """Steps an epoch change with the batch, so an end in epochs would tell the schedule no number of steps."""
    if not isinstance(experiment.model, BoardModel) or not experiment.model.schedule.grows:
        return []
    keys = experiment.trainer.kwargs
    if keys.get("max_steps", -1) > 0 and keys.get("max_epochs") in (None, -1):
        return []
    message = "the batch grows during the run: say its length in steps, trainer.max_steps=… trainer.max_epochs=null"
    return [Fault(("model", "schedule", "grow_batch"), message)]


def _objective(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and not isinstance(experiment.objective, BoardObjective):
        *others, last = (name for name in options("objective") if name.startswith("board_"))
        known = f"{', '.join(others)} or {last}"
        return [Fault(("objective",), f"the board encoder is trained with one of its own: objective={known}")]
    return []


def _heads(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and isinstance(experiment.objective, BoardObjective):
        misfit = experiment.objective.misfit(experiment.model.encoder)
        return [Fault(("model", "encoder", "head_type"), misfit)] if misfit else []
    return []


def _strength(experiment: Experiment) -> list[Fault]:
    found = []
    for name, part in (experiment.callbacks or {}).items():
        if not isinstance(part, BoardStrength):
            continue
        if not isinstance(experiment.model, BoardModel):
            found.append(
                Fault(("callbacks", name), "plays with the board encoder: model=board_encoder, or leave it out")
            )
        elif part.strategy.weighs_bins and experiment.model.encoder.head_type == "action_policy":
            message = "weighs bins of one move, of which an action_policy has one: railyard.board.game.strategy.Argmax"
            found.append(Fault(("callbacks", name, "strategy"), message))
    return found
