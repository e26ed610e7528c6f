"""Self-play pools for tests, also of the boards of a pack."""

import numpy as np

from railyard.board.game.boards import decode
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.schema import SELFPLAY


def write_pool(folder, rows, runs, shard_rows=10**9):
    folder.mkdir()
    for number, first in enumerate(range(0, len(rows), shard_rows), 1):
        np.save(folder / f"steps-{number:06d}.npy", rows[first : first + shard_rows])
    with runs_writer(folder / "metadata.db") as writer:
        for run in runs:
            writer.add(run)
    return folder


def as_selfplay(pack, ids=lambda run: run):
    """The boards of a pack as a recorder would keep them, and its runs."""
    rows = pack.rows.gather(np.arange(len(pack)))
    found = np.zeros(len(rows), SELFPLAY)
    found["run_id"], found["step_idx"] = [ids(run) for run in rows["run_id"].tolist()], rows["step_index"]
    found["exps"] = decode(rows["board"], rows["tile_65536_mask"])
    runs = [
        Run(ids(run), 1, steps, 1, 4)
        for run, steps in zip(pack.runs.id.tolist(), pack.runs.steps.tolist(), strict=True)
    ]
    return found, runs, rows["move_dir"]


def interleaved(rows):
    return np.lexsort((rows["run_id"], rows["step_idx"]))
