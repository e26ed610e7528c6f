"""Sessions of every kind that review shows, over small pools: `make_inputs(folder, pack)`, made once a test run.

Each is `(find, session id, run id)`: how the catalogue finds it, and one of its runs.
"""

import json
import shutil
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import numpy as np
from annotators import annotate, facts
from pools import as_selfplay, interleaved, write_pool
from reviewed import FOREIGN, TOKENIZER, reviewed
from reviewed import PACK as FOREIGN_PACK

from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.packs.pack import Pack
from railyard.board.review.sessions import Find, in_root, of_pool, one
from railyard.board.teaching.relabel import relabel

KINDS = ("own", "foreign", "interleaved", "ours", "relabelled", "action_policy", "no_sidecar", "no_columns")
HEADS = (("p_die", 1), ("wide", 9))


class Input(NamedTuple):
    find: Find
    folder: Path
    pool: Path


def make_inputs(folder: Path, pack: Path) -> dict[str, Input]:
    """All kinds, below a folder; `pack` is a small one of teacher rows."""
    rows, runs, _ = as_selfplay(Pack.open(pack), lambda run: run + 7)
    ours = write_pool(folder / "ours", rows, runs, 500)
    mixed = write_pool(folder / "mixed", rows[interleaved(rows)], runs, 500)
    relabel(pack, folder / "deeper", 1, EndgameTables.none())
    out = folder / "annotations"
    usual = ["annotations", "student_bins", "metrics"]
    made = {
        "own": _session(pack, out, products=[*usual, "predictions", "value_heads"], said=facts(heads=HEADS)),
        "interleaved": _session(mixed, out),
        "ours": _session(ours, out),
        "relabelled": _session(folder / "deeper", out),
        "action_policy": _session(pack, out, tag="policy", said=facts(bins=0)),
        "no_sidecar": _session(pack, out, tag="no_sidecar", products=["annotations", "metrics"]),
        "no_columns": _session(pack, out, tag="no_columns", products=["annotations", "student_bins"]),
    }
    foreign = folder / "foreign"
    shutil.copytree(FOREIGN, foreign)
    return {**made, "foreign": Input(of_pool(FOREIGN_PACK, [foreign], TOKENIZER), foreign, FOREIGN_PACK)}


def _session(pool: Path, out: Path, **keys) -> Input:
    folder, _ = annotate(pool, out, **keys)
    return Input(one(folder), folder, pool)


def recorded_kinds(inputs: dict[str, Input]) -> Iterator[tuple[str, str, str]]:
    """Answers about each kind for tests of viewers: kind, name of the answer, JSON text without paths of a machine."""
    for kind, given in inputs.items():
        with reviewed(given.find) as client:
            session = client.get("/sessions").json()["sessions"][0]
            run = client.get(f"/sessions/{session['id']}/runs").json()["runs"][0]["run_id"]
            paths = {
                "sessions": "/sessions",
                "session_runs": f"/sessions/{session['id']}/runs?page_size=3",
                "session_steps": f"/sessions/{session['id']}/runs/{run}/steps?limit=2&student_mode=topk&student_topk=3",
                "health": "/health",
                "runs": "/runs?page_size=3",
                "run_steps": f"/runs/{run}?limit=2",
                "disagreements": f"/runs/{run}/disagreements?limit=5",
            }
            for name, path in paths.items():
                found = client.get(path).json()
                for listed in found.get("sessions", []) if isinstance(found, dict) else []:
                    listed["pool"] = Path(listed["pool"]).name
                yield kind, name, json.dumps(found, indent=1)


def whole_root(folder: Path) -> Find:
    return in_root(folder / "annotations")


def rows_of(pool: Path, run: int) -> np.ndarray:
    """Numbers of the rows of a run, by looking at all."""
    from railyard.board.annotation.pool import AnnotationPool

    ids = AnnotationPool.open(pool).rows.gather(np.arange(len(AnnotationPool.open(pool))))["run_id"]
    return np.flatnonzero(ids == run)
