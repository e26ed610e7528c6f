"""Rules of the board rail that concern more than one component: checked before anything is opened or built."""

from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.objectives import MacroxueTokens
from railyard.core.experiment import Experiment
from railyard.core.targets import Fault


def check(experiment: Experiment) -> list[Fault]:
    """All faults of an experiment that uses the board's data or model."""
    return [fault for rule in (_tokenizer, _optimizer, _objective, _heads) for fault in rule(experiment)]


def _tokenizer(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.data, PackData) and experiment.data.tokenizer is None:
        return [Fault(("data", "tokenizer"), "training needs one: make it with `railyard tokenizer pack=… out=…`")]
    return []


def _optimizer(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and not experiment.model.optimizer.target.startswith("torch.optim."):
        target = experiment.model.optimizer.target
        return [Fault(("model", "optimizer", "_target_"), f"must be a class of torch.optim, got {target}")]
    return []


def _objective(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and not isinstance(experiment.objective, MacroxueTokens):
        return [Fault(("objective",), "the board encoder is trained with objective=board_macroxue_tokens")]
    return []


def _heads(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, BoardModel) and experiment.model.encoder.head_type != "binned_ev":
        key = ("model", "encoder", "head_type")
        return [Fault(key, "the objective macroxue_tokens learns classes a head: set it to binned_ev")]
    return []
