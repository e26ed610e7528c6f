"""Rules of the board rail that concern more than one component: checked before anything is opened or built."""

from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.hard_move import HardMove
from railyard.board.training.objectives import BoardObjective
from railyard.core.experiment import Experiment
from railyard.core.targets import Fault


def check(experiment: Experiment) -> list[Fault]:
    """All faults of an experiment that uses the board's data or model."""
    return [fault for rule in (_tokenizer, _optimizer, _objective, _heads) for fault in rule(experiment)]


def _tokenizer(experiment: Experiment) -> list[Fault]:
    learns_classes = not isinstance(experiment.objective, HardMove)
    if learns_classes and isinstance(experiment.data, PackData) and experiment.data.tokenizer is None:
        return [Fault(("data", "tokenizer"), "training needs one: make it with `railyard tokenizer pack=… out=…`")]
    return []


def _optimizer(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and not experiment.model.optimizer.target.startswith("torch.optim."):
        target = experiment.model.optimizer.target
        return [Fault(("model", "optimizer", "_target_"), f"must be a class of torch.optim, got {target}")]
    return []


def _objective(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and not isinstance(experiment.objective, BoardObjective):
        known = "board_macroxue_tokens, board_hard_move or board_binned_ev"
        return [Fault(("objective",), f"the board encoder is trained with one of its own: objective={known}")]
    return []


def _heads(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and isinstance(experiment.objective, BoardObjective):
        misfit = experiment.objective.misfit(experiment.model.encoder)
        return [Fault(("model", "encoder", "head_type"), misfit)] if misfit else []
    return []
