"""`railyard.Session`: a session in a notebook; rows that meet conditions as a frame, and boards drawn."""

from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from railyard.board.annotation.pool import AnnotationPool
from railyard.board.packs.annotation_session import AnnotationSession
from railyard.board.packs.search import Facts
from railyard.core.arrays import I64, U8
from railyard.core.errors import UserError

if TYPE_CHECKING:
    from pandas import DataFrame

COLOURS = {0: "#cdc1b4", 1: "#eee4da", 2: "#ede0c8", 3: "#f2b179", 4: "#f59563", 5: "#f67c5f", 6: "#f65e3b"}
LARGE = "#edcc61"


@dataclass(frozen=True)
class Board:
    """A board: its 16 exponents, row by row, and the row of the pool that it stands in."""

    row: int
    exponents: tuple[int, ...]

    @property
    def tiles(self) -> list[int]:
        """Its tiles, 0 where a cell is empty."""
        return [1 << exponent if exponent else 0 for exponent in self.exponents]

    def __repr__(self) -> str:
        texts = [str(tile or ".") for tile in self.tiles]
        width = max(map(len, texts))
        return "\n".join(" ".join(text.rjust(width) for text in texts[at : at + 4]) for at in (0, 4, 8, 12))

    def _repr_html_(self) -> str:
        cells = [
            f'<td style="{_style(exponent)}">{1 << exponent if exponent else ""}</td>' for exponent in self.exponents
        ]
        lines = "".join(f"<tr>{''.join(cells[at : at + 4])}</tr>" for at in (0, 4, 8, 12))
        return f'<table style="border-collapse:separate;border-spacing:3px">{lines}</table>'


def _style(exponent: int) -> str:
    colour, ink = COLOURS.get(exponent, LARGE), "#776e65" if exponent < 3 else "#ffffff"
    return f"background:{colour};color:{ink};width:46px;height:46px;text-align:center;font-weight:bold"


class Session:
    """A finished session. UserError if there is none at `path`, or if `pool` is not the one that it was made of.

    pool: where the pool lies, if it was moved.
    """

    def __init__(self, path: Path | str, pool: Path | str | None = None) -> None:
        self.path = Path(path).resolve()
        self._session = AnnotationSession.open(self.path)
        self._pool = pool

    def __len__(self) -> int:
        return len(self._session)

    def __fspath__(self) -> str:
        return str(self.path)

    @property
    def schema(self) -> dict[str, Any]:
        """schema.json: what the products hold."""
        return self._session.schema

    @property
    def source(self) -> dict[str, Any]:
        """source.json: pool, model, and the settings of the job."""
        return self._session.source

    @property
    def manifest(self) -> dict[str, Any]:
        """annotation_manifest.json."""
        return self._session.manifest

    @property
    def quantiles(self) -> dict[str, list[float | None]]:
        """The 1st to 99th percentile of each column."""
        return self._session.quantiles

    @property
    def columns(self) -> tuple[str, ...]:
        """Names that `frame` and `rows` know."""
        return self._facts.names

    @cached_property
    def pool(self) -> AnnotationPool:
        """The pool, whose boards no session copies."""
        place = self._pool or self.source.get("pool")
        if place is None:
            raise UserError(f"{self.path} does not say which pool it is of: Session(path, pool=FOLDER)")
        pool = AnnotationPool.open(Path(place))
        wanted = self.source.get("pool_fingerprint")
        if wanted not in (None, pool.fingerprint()):
            raise UserError(f"{place} is not the pool of {self.path}, or has changed since: Session(path, pool=FOLDER)")
        return pool

    @cached_property
    def _facts(self) -> Facts:
        return Facts(self._session, self.pool)

    def rows(self, where: str | None = None, limit: int | None = None) -> I64:
        """The numbers of rows that meet the conditions, in their order: `rows("disagreement=1, entropy>0.9")`."""
        return self._facts.scan(where).rows(limit)

    def frame(
        self, where: str | None = None, columns: Sequence[str] | None = None, limit: int | None = 100_000
    ) -> "DataFrame":
        """The rows that meet the conditions, a pandas frame by row number; all columns unless some are named."""
        try:
            from pandas import DataFrame
        except ImportError:
            raise UserError("Session.frame needs pandas: pip install 'railyard[notebook]'") from None
        names = [name for name in (columns or self.columns) if name != "row"]
        self._facts.check(names)
        rows = self.rows(where, limit)
        return DataFrame({name: self._facts.read(name, rows) for name in names}, index=rows).rename_axis("row")

    def board(self, row: int) -> Board:
        """The board of a row, which a notebook draws. IndexError for a row that the session does not have."""
        if not 0 <= row < len(self):
            raise IndexError(f"row {row} is outside [0, {len(self)})")
        exponents: U8 = self.pool.batch(int(row), 1).exponents_B16[0]
        return Board(int(row), tuple(exponents.tolist()))

    def student_bins(self, rows: Sequence[int] | I64) -> Any:
        """The probabilities of all bins, [rows, 4, bins]. UserError if the session does not hold them."""
        family = self._session.student_bins
        if family is None:
            raise UserError(f"{self.path} holds no bins: annotate with student_bins among the products")
        return family.gather(np.asarray(rows, np.int64))

    def __repr__(self) -> str:
        products = ", ".join(product["name"] for product in self.source.get("products", []))
        return f"Session('{self.path}': {len(self):,} rows, {products or 'annotations'})"
