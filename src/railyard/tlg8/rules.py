"""Rules of the tlg8 rail that concern more than one component: checked before anything is opened or built."""

from railyard.core.config.component import Foreign
from railyard.core.config.conf_folders import options
from railyard.core.config.faults import Fault
from railyard.core.config.targets import TABLE
from railyard.core.training.experiment import Experiment
from railyard.tlg8.evaluation.measures import HITS
from railyard.tlg8.features.config import refuse_answers
from railyard.tlg8.training.config import BlockData, RankerModel
from railyard.tlg8.training.objectives import RankerObjective


def check(experiment: Experiment) -> list[Fault]:
    """All faults of an experiment that trains a ranker."""
    return [fault for rule in (_parts, _features, _optimizer) for fault in rule(experiment)]


def metrics(experiment: Experiment) -> set[str] | None:
    """Names of all that a run of rankers logs; None for other models, and with callbacks that are not known."""
    parts = (experiment.callbacks or {}).values()
    if not isinstance(experiment.model, RankerModel) or any(
        isinstance(part, Foreign) and part.target not in TABLE for part in parts
    ):
        return None
    return {"train/loss", "val/loss", *(f"val/hit@{k}" for k in HITS)}


def _parts(experiment: Experiment) -> list[Fault]:
    found = []
    is_ranker = isinstance(experiment.model, RankerModel)
    if is_ranker and not isinstance(experiment.objective, RankerObjective):
        *others, last = (name for name in options("objective") if name.startswith("tlg8_"))
        known = f"objective={', '.join(others)} or {last}"
        found.append(Fault(("objective",), f"rankers are trained with one of their own: {known}"))
    if is_ranker and not isinstance(experiment.data, BlockData):
        found.append(Fault(("data",), "rankers are trained on blocks: data=tlg8_blocks data.pack=PACK"))
    if isinstance(experiment.data, BlockData) and experiment.data.split == "pack" and len(experiment.data.packs) < 2:
        found.append(Fault(("data", "split"), "pack holds the last of several packs out: data.pack=[PACK,PACK]"))
    return found


def _features(experiment: Experiment) -> list[Fault]:
    data, objective = experiment.data, experiment.objective
    if isinstance(data, BlockData) and isinstance(objective, RankerObjective):
        try:
            refuse_answers(data.features, objective.mode)
        except ValueError as fault:
            return [Fault(("data", "features"), str(fault))]
    return []


def _optimizer(experiment: Experiment) -> list[Fault]:
    if isinstance(experiment.model, RankerModel) and not experiment.model.optimizer.target.startswith("torch.optim."):
        message = f"must be a class of torch.optim, got {experiment.model.optimizer.target}"
        return [Fault(("model", "optimizer", "_target_"), message)]
    return []
