"""What an evaluation of the board needs of its subject: an init folder, a pack, the objective of the run.

An init folder is made from a checkpoint where the run has not written one itself.
"""

from collections.abc import Mapping
from pathlib import Path
from typing import Any, NamedTuple

from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.objectives import BoardObjective
from railyard.board.training.outcomes import Outcome
from railyard.core.config.check import check_part
from railyard.core.errors import UserError
from railyard.core.training.subject import Subject


class Parts(NamedTuple):
    """Without a run there are no outcomes, and the model's head and tokenizer tell the objective."""

    init: Path
    data: PackData
    objective: BoardObjective | None
    outcomes: Mapping[str, Outcome]  # what the value heads learned


def find(subject: Subject, out: Path) -> Parts:
    """An init folder made on the way is written to `out/init`."""
    if not isinstance(subject.data, PackData):
        raise UserError("evaluation knows packs only, and this run was trained on data of another class")
    return Parts(_init(subject, out), subject.data, _objective(subject.config), _outcomes(subject.config))


def _init(subject: Subject, out: Path) -> Path:
    if subject.run and subject.checkpoint:
        return init_from_checkpoint(subject.run, subject.config, subject.checkpoint, out / "init")
    assert subject.init is not None
    return subject.init


def _objective(config: Mapping[str, Any]) -> BoardObjective | None:
    objective, faults = check_part(config.get("objective"), config.get("allow", []), "objective")
    return objective if not faults and isinstance(objective, BoardObjective) else None


def _outcomes(config: Mapping[str, Any]) -> Mapping[str, Outcome]:
    model, faults = check_part(config.get("model"), config.get("allow", []), "model")
    return model.value_heads if not faults and isinstance(model, BoardModel) else {}


def init_from_checkpoint(run: Path, config: Mapping[str, Any], checkpoint: Path, out: Path) -> Path:
    """Write the encoder of `checkpoint` (made in folder `run` with `config`) as init folder `out`; returns `out`."""
    from railyard.board.model.init_folder import with_weights, write_init
    from railyard.board.tokens.registry import load_labels
    from railyard.core.training.checkpoint import load

    model, faults = check_part(config.get("model"), config.get("allow", []), "model")
    if faults or not isinstance(model, BoardModel):
        raise UserError(f"{run}/config.yaml does not describe a board encoder; give a run of one")
    tokenizer = config["data"].get("tokenizer")
    labels = load_labels(tokenizer and Path(tokenizer))
    weights = load(checkpoint)["state_dict"]
    prefix = "average." if model.ema_decay else "encoder."
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    encoder = with_weights(model.network(labels.num_classes), own, checkpoint, run / "config.yaml")
    write_init(out, encoder, labels.to_json())
    return out
