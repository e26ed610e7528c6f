"""What an evaluation looks at: the init folder of a run, of a checkpoint or as given, and the data to try it on.

An init folder is made from a checkpoint where the run has not written one itself.
"""

from pathlib import Path
from typing import NamedTuple

from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.objectives import BoardObjective
from railyard.core.config.component import read_part
from railyard.core.errors import UserError
from railyard.core.runs.folder import read_config
from railyard.core.training.experiment import Evaluate


class Subject(NamedTuple):
    init: Path
    data: PackData
    objective: BoardObjective | None  # None of an init folder: its head and tokenizer tell


def find(call: Evaluate, out: Path) -> Subject:
    """The subject of a call of `evaluate`; an init folder made on the way is written to `out/init`."""
    run = call.run_folder()
    init = call.bundle if run is None else _init(call, run, out)
    assert init is not None
    return Subject(init, _data(call, run), _objective(run) if run else None)


def _init(call: Evaluate, run: Path, out: Path) -> Path:
    if call.ckpt_path is None and (run / "init").is_dir():
        return run / "init"
    from railyard.core.training.checkpoint import CheckpointFolder

    read_config(run)
    checkpoint = call.ckpt_path or CheckpointFolder(run / "checkpoints").best()
    if checkpoint is None:
        raise UserError(f"{run} holds neither init/ nor a checkpoint: train it first, or resume it")
    return init_from_checkpoint(run, checkpoint, out / "init")


def _data(call: Evaluate, run: Path | None) -> PackData:
    """The data as given, else the run's own with single keys changed."""
    data = call.data
    if isinstance(data, dict):
        if run is None:
            raise UserError("an init folder does not say on what data to look: add data=board_pack data.pack=PACK")
        config = read_config(run)
        data, faults = read_part({**config["data"], **data}, config.get("allow", []), "data")
        if faults:
            raise UserError("; ".join(f"{'.'.join(fault.key)}: {fault.message}" for fault in faults))
    if not isinstance(data, PackData):
        raise UserError("evaluation knows packs only, and this run was trained on data of another class")
    return data


def _objective(run: Path) -> BoardObjective | None:
    config = read_config(run)
    objective, faults = read_part(config.get("objective"), config.get("allow", []), "objective")
    return objective if not faults and isinstance(objective, BoardObjective) else None


def init_from_checkpoint(run: Path, checkpoint: Path, out: Path) -> Path:
    """Write the encoder of `checkpoint` (made in folder `run`) as init folder `out`; returns `out`."""
    from railyard.board.model.init_folder import write_init
    from railyard.board.training.labels import load_labels
    from railyard.core.training.checkpoint import load

    config = read_config(run)
    model, faults = read_part(config.get("model"), config.get("allow", []), "model")
    if faults or not isinstance(model, BoardModel):
        raise UserError(f"{run}/config.yaml does not describe a board encoder; give a run of one")
    tokenizer = config["data"].get("tokenizer")
    labels = load_labels(tokenizer and Path(tokenizer))
    encoder = model.encoder.with_bins(labels.num_classes).build()
    weights = load(checkpoint)["state_dict"]
    prefix = "average." if model.ema_decay else "encoder."
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    try:
        encoder.load_state_dict(own)
    except RuntimeError as fault:
        reason = " ".join(str(fault).split())
        raise UserError(f"{checkpoint} does not fit the model of {run}/config.yaml: {reason}") from None
    write_init(out, encoder, labels.to_json())
    return out
