"""Whether the games that an evaluation calls held out were held out of the run's training.

The run's provenance says which pack it was trained on and which games it left out; nothing is loaded but that.
"""

from pathlib import Path

from railyard.board.packs.pack import Pack
from railyard.board.training.config import PackData
from railyard.board.training.split import Split
from railyard.core.errors import UserError
from railyard.core.runs import provenance


def refuse_trained_on(run: Path, data: PackData) -> None:
    """UserError where the split of `data` holds out games of the run's own pack that the run learned from.

    Nothing is said of another pack, whose games are not known to be the same.
    """
    trained = provenance.read(run).get("data", {})
    pack = Pack.open(data.pack)
    if "validation_runs" not in trained or trained.get("pack_fingerprint") != pack.fingerprint():
        return
    held = pack.runs.id[Split.of(pack.runs.steps, data.validation_fraction, data.split_seed).validation].tolist()
    seen = sorted(set(held) - set(trained["validation_runs"]))
    if seen:
        raise UserError(
            f"{len(seen)} of the {len(held)} games that data.split_seed={data.split_seed} and "
            f"data.validation_fraction={data.validation_fraction} hold out are games that {run} learned from "
            f"(game {seen[0]}): leave both as the run had them, or judge it on all games with split=all"
        )
