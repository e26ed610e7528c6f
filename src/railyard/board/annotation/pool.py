"""A pool to annotate: a pack of teacher rows or a self-play pool, as one, in batches of boards with what is known.

What a pool lacks is marked as unknown: self-play has no teacher's move, no EVs and no stored legality. The move that
was played is the teacher's in a pack, but for relabelled ones, whose rows kept their boards alone; there, and in
self-play, it is recovered from the boards (`moves_played.py`).

Shapes: B rows of a batch.
"""

from functools import cached_property
from pathlib import Path
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.typing import NDArray

from railyard.board.annotation.moves_played import WINDOW, Rows, recover, successors
from railyard.board.game.boards import SATURATED, decode, encode
from railyard.board.game.rules import legal_moves
from railyard.board.packs.annotations import UNKNOWN
from railyard.board.packs.describe import kind_of
from railyard.board.packs.metadata import Runs
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE
from railyard.board.packs.selfplay import SelfplayPool
from railyard.core.arrays import F32, I64, U8, U32, U64, Bool, Records
from railyard.core.errors import UserError

FIRST_LOOK = 1024  # rows read beyond a batch before more are known to be needed

PoolType = Literal["macroxue", "selfplay"]


class Batch(NamedTuple):
    """Consecutive rows; 255 is an unknown move, and legality is in bits U 1, D 2, L 4, R 8."""

    first: int  # row of the pool
    runs_B: U64
    steps_B: U32
    exponents_B16: U8
    legal_B: U8  # by the board
    stored_legal_B: U8  # as the row says; 0 in self-play
    teacher_B: U8
    played_B: U8
    evs_B4: F32  # of the branches in `stored_legal_B`; others mean nothing
    is_search_B: Bool  # EVs are points of the heuristic / 1000, else probabilities of a table

    @property
    def size(self) -> int:
        """B."""
        return len(self.runs_B)


class AnnotationPool:
    """An open pool; `len()` is its number of rows."""

    def __init__(self, source: Pack | SelfplayPool) -> None:
        self._source = source
        self.path, self.runs, self.rows = source.path, source.runs, source.rows

    @classmethod
    def open(cls, path: Path) -> "AnnotationPool":
        """The pool in folder `path`. UserError for what is none, and for run ids that 32 bits do not tell apart."""
        kind = kind_of(path) if path.exists() else "pack"
        if kind == "legacy":
            raise UserError(
                f"{path} is a pack of the older single-file layout, without overflow masks and runs: annotate takes "
                "packs and self-play pools"
            )
        return cls._sound(SelfplayPool.open(path) if kind == "selfplay" else Pack.open(path))

    @classmethod
    def of_headers(cls, path: Path) -> "AnnotationPool":
        """The same for one of the two kinds, and no row is read; what they hold is checked when it is."""
        is_selfplay = path.exists() and kind_of(path) == "selfplay"
        return cls._sound(SelfplayPool.open(path) if is_selfplay else Pack.of_headers(path))

    @classmethod
    def _sound(cls, source: Pack | SelfplayPool) -> "AnnotationPool":
        pool = cls(source)
        _refuse_colliding(pool.path, pool.runs)
        return pool

    def __len__(self) -> int:
        return len(self.rows)

    @property
    def kind(self) -> PoolType:
        return "macroxue" if isinstance(self._source, Pack) else "selfplay"

    @property
    def pack(self) -> Pack | None:
        """The pack; None for self-play."""
        return self._source if isinstance(self._source, Pack) else None

    @property
    def valuation_names(self) -> tuple[str, ...]:
        """What the EVs of a pack are, by id; none for self-play."""
        return self._source.valuation_names if isinstance(self._source, Pack) else ()

    def fingerprint(self) -> str:
        """Hex sha256 that tells pools apart, from a sample of their rows."""
        return self._source.fingerprint()

    @cached_property
    def records_moves(self) -> bool:
        """Whether the rows name the move that led on: relabelled packs and self-play do not."""
        return isinstance(self._source, Pack) and "relabelled" not in (self._source.manifest or {})

    def batch(self, first: int, count: int) -> Batch:
        """`count` rows from row `first`. UserError for a row that no board or move can have."""
        rows = self.rows.gather(np.arange(first, first + count))
        made = _of_pack(rows, first, self.valuation_names) if self.kind == "macroxue" else _of_pool(rows, first)
        self._check(made)
        return made if self.records_moves else made._replace(played_B=self._recovered(first, count))

    def valuations(self, first: int, count: int) -> U8:
        """Valuation ids of rows of a pack."""
        found: U8 = self.rows.gather(np.arange(first, first + count))["valuation_type"]
        return found

    def _check(self, batch: Batch) -> None:
        found = _strange_move(batch.teacher_B) or _strange_tile(batch.exponents_B16)
        if found:
            row, what = found
            shard = int(np.searchsorted(self.rows.starts, batch.first + row, side="right")) - 1
            raise UserError(
                f"{self.rows.paths[shard]}: row {batch.first + row} of the pool holds {what}; the file is "
                "damaged, restore it"
            )

    def _recovered(self, first: int, count: int) -> U8:
        """The moves played in rows `first` …; looks as far ahead as a row that waits for its next one needs."""
        ahead = FIRST_LOOK
        while True:
            end = min(first + count + ahead, len(self))
            rows = self._plain(first, end - first)
            next_B, waiting = successors(rows.runs_M, count)
            if end == len(self) or ahead >= WINDOW or not self._has_more(rows, waiting):
                return recover(rows, next_B)
            ahead = min(4 * ahead, WINDOW)

    def _plain(self, first: int, count: int) -> Rows:
        rows = self.rows.gather(np.arange(first, first + count))
        is_pack = self.kind == "macroxue"
        steps = np.ascontiguousarray(rows["step_index" if is_pack else "step_idx"])
        boards, masks = (rows["board"], rows["tile_65536_mask"]) if is_pack else encode(rows["exps"])
        return Rows(rows["run_id"].astype(np.uint64), steps, np.ascontiguousarray(boards), np.ascontiguousarray(masks))

    def _has_more(self, rows: Rows, waiting: I64) -> bool:
        """Whether any of these rows is not the last one of its run, as far as the metadata knows."""
        runs = rows.runs_M[waiting].astype(np.int64)
        places = np.minimum(np.searchsorted(self.runs.id, runs), len(self.runs) - 1)
        known = self.runs.id[places] == runs
        counts = np.where(known, self.runs.steps[places], np.iinfo(np.int64).max)
        return bool((rows.steps_M[waiting].astype(np.int64) + 1 < counts).any())


def _of_pack(rows: Records, first: int, names: tuple[str, ...]) -> Batch:
    boards, masks = (np.ascontiguousarray(rows[name]) for name in ("board", "tile_65536_mask"))
    is_search = np.array([name == "search" for name in names] + [False] * (256 - len(names)))
    moves = np.ascontiguousarray(rows["move_dir"])
    return Batch(
        first=first,
        runs_B=rows["run_id"].astype(np.uint64),
        steps_B=np.ascontiguousarray(rows["step_index"]),
        exponents_B16=decode(boards, masks),
        legal_B=legal_moves(boards, masks),
        stored_legal_B=np.ascontiguousarray(rows["ev_legal"]),
        teacher_B=moves,
        played_B=moves,
        evs_B4=np.ascontiguousarray(rows["branch_evs"]),
        is_search_B=is_search[rows["valuation_type"]],
    )


def _of_pool(rows: Records, first: int) -> Batch:
    exponents = np.ascontiguousarray(rows["exps"])
    unknown = np.full(len(rows), UNKNOWN, np.uint8)
    return Batch(
        first=first,
        runs_B=np.ascontiguousarray(rows["run_id"]),
        steps_B=np.ascontiguousarray(rows["step_idx"]),
        exponents_B16=exponents,
        legal_B=legal_moves(*encode(exponents)),
        stored_legal_B=np.zeros(len(rows), np.uint8),
        teacher_B=unknown,
        played_B=unknown,
        evs_B4=np.zeros((len(rows), 4), np.float32),
        is_search_B=np.zeros(len(rows), np.bool_),
    )


def _strange_move(moves_B: U8) -> tuple[int, str] | None:
    beyond = np.flatnonzero((moves_B > 3) & (moves_B != UNKNOWN))
    return (int(beyond[0]), f"the move {moves_B[beyond[0]]}, there are 4") if len(beyond) else None


def _strange_tile(exponents_B16: U8) -> tuple[int, str] | None:
    beyond: NDArray[Any] = np.argwhere(exponents_B16 > SATURATED)
    if not len(beyond):
        return None
    row, cell = beyond[0].tolist()
    return row, f"the exponent {exponents_B16[row, cell]} in cell {cell}, a board has at most {SATURATED}"


def _refuse_colliding(path: Path, runs: Runs) -> None:
    """Annotations have 32 bits for a run's id."""
    cut = runs.id & 0xFFFFFFFF
    order = np.argsort(cut, kind="stable")
    twins = np.flatnonzero(np.diff(cut[order]) == 0)
    if len(twins):
        one, two = runs.id[order[twins[0] : twins[0] + 2]]
        raise UserError(
            f"{path / METADATA_FILE} has runs {one} and {two}, which are one in the 32 bits that annotations have for "
            "a run: renumber them, railyard merge does so"
        )
