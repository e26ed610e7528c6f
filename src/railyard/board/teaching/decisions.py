"""What a teacher decided as rows of a pack, and what completes such a pack."""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path
from threading import local
from typing import Any

import numpy as np

from railyard.board.game.boards import decode
from railyard.board.game.endgame.tables import EndgameTables
from railyard.board.game.heuristic import evaluate
from railyard.board.game.teacher import Decisions, Teacher
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.schema import METADATA_FILE, STEP, VALUATION_FILE, VALUATION_NAMES
from railyard.board.packs.valuations import write_valuation_names
from railyard.core.arrays import Records
from railyard.core.making.outputs import Origin, write_manifest


class TeacherOfThread(local):
    """`teacher` is another one in each thread."""

    def __init__(self, depth: int, tables: EndgameTables) -> None:
        self.teacher = Teacher(depth, tables)


def valuation_names(table_names: Sequence[str]) -> tuple[str, ...]:
    """Names by id of a pack whose teacher has tables of these names."""
    return tuple(dict.fromkeys((*VALUATION_NAMES, *table_names)))


def step_rows(decisions: Decisions, table_names: Sequence[str]) -> Records:
    """STEP rows [N] with what follows from the boards and their values; run, seed and step are left at 0."""
    rows = np.zeros(len(decisions.boards_N), STEP)
    names = valuation_names(table_names)
    ids_T = np.array([*(names.index(name) for name in table_names), names.index("search")], np.uint8)
    rows["board"], rows["tile_65536_mask"] = decisions.boards_N, decisions.masks_N
    rows["board_eval"] = evaluate(decisions.boards_N, decisions.masks_N)
    rows["move_dir"], rows["ev_legal"] = decisions.moves_N, decisions.legal_N
    rows["valuation_type"] = ids_T[decisions.tables_N]  # NO_TABLE is -1, the last
    rows["max_rank"] = decode(decisions.boards_N, decisions.masks_N).max(axis=1, initial=0)
    rows["branch_evs"] = decisions.evs_N4
    return rows


def valuations_of(records: Sequence[Mapping[str, Any]], names: Sequence[str]) -> dict[str, int]:
    """How many rows have which valuation type, from the records of its stream."""
    counts = np.zeros(len(names), np.int64)
    for record in records:
        counts[: len(record["valuations"])] += record["valuations"]
    return dict(zip(names, counts.tolist(), strict=True))


def complete(
    folder: Path, runs: Iterable[tuple[Run, str | None]], tables: EndgameTables, origin: Origin, counts: dict[str, Any]
) -> None:
    """Writes all of a pack but the steps: its runs and why they ended, its names, and last its manifest."""
    metadata = folder / METADATA_FILE
    metadata.unlink(missing_ok=True)  # one killed at its very end has written it
    with runs_writer(metadata) as writer:
        for run, ended in runs:
            writer.add(run, ended)
    write_valuation_names(folder / VALUATION_FILE, valuation_names(tables.names))
    write_manifest(folder, origin, counts=counts)
