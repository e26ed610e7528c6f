"""An init folder from a checkpoint of a training run that has not written one itself."""

from pathlib import Path

from railyard.board.training.config import BoardModel
from railyard.core.checkpoint import load
from railyard.core.config import read_part
from railyard.core.errors import UserError
from railyard.core.run import read_config


def init_from_checkpoint(run: Path, checkpoint: Path, out: Path) -> Path:
    """Write the encoder of `checkpoint` (made in folder `run`) as init folder `out`; returns `out`."""
    from railyard.board.model.init_folder import write_init
    from railyard.board.tokens.macroxue import MacroxueTokenizer

    config = read_config(run)
    model, faults = read_part(config.get("model"), config.get("allow", []), "model")
    if faults or not isinstance(model, BoardModel):
        raise UserError(f"{run}/config.yaml does not describe a board encoder; give a run of one")
    tokenizer = MacroxueTokenizer.load(config["data"]["tokenizer"])
    encoder = model.encoder.with_bins(tokenizer.num_classes).build()
    weights = load(checkpoint)["state_dict"]
    prefix = "encoder."
    own = {name.removeprefix(prefix): value for name, value in weights.items() if name.startswith(prefix)}
    try:
        encoder.load_state_dict(own)
    except RuntimeError as fault:
        reason = " ".join(str(fault).split())
        raise UserError(f"{checkpoint} does not fit the model of {run}/config.yaml: {reason}") from None
    write_init(out, encoder, tokenizer.to_json())
    return out
