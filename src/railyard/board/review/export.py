"""Rows of a session that meet conditions, as one file that is made while it is sent: CSV, JSON lines or NumPy's npz.

Rows are read in batches, so memory is flat; a file has at most MOST_EXPORTED rows, and one that was cut says so: a last
line `# cut at …` in CSV, a last line with the key `cut_at` in JSON lines, and in npz the arrays `cut` and `total`,
which are always there.

Shapes: n rows of a batch.
"""

import csv
import io
import json
import zipfile
from collections.abc import Iterator, Sequence
from typing import Any, Literal, NamedTuple

import numpy as np
from numpy.lib import format as npy
from numpy.typing import NDArray

from railyard.board.packs.search import ILLEGAL_ARGMAX, OF_RUNS, OWN, VALUATION, Facts
from railyard.board.review.limits import MOST_EXPORTED
from railyard.board.review.search import Query, blame_the_caller, scan_of
from railyard.core.arrays import I64
from railyard.core.store import compiled_text
from railyard.core.store.compiled_text import Cells
from railyard.core.store.npy import header
from railyard.core.store.scanning import Scan

Format = Literal["csv", "jsonl", "npz"]
MEDIA_TYPES: dict[Format, str] = {
    "csv": "text/csv; charset=utf-8",
    "jsonl": "application/x-ndjson",
    "npz": "application/octet-stream",
}
BATCH = 8192  # rows of a piece of text


class Export(NamedTuple):
    """A file to be sent: its pieces, the rows that it will have, and how many there are."""

    pieces: Iterator[bytes]
    rows: int
    total: int


def export(facts: Facts, query: Query, format: Format, columns: Sequence[str] | None = None) -> Export:
    """The file of the rows that meet a query, in row order. BadRequest for what cannot be asked.

    columns: null takes row, run, step, what the values are, and all columns of the session.
    """
    names = list(dict.fromkeys(columns or default_columns(facts)))
    with blame_the_caller():
        facts.check(names)
    scan = scan_of(facts, query)
    total = scan.count()
    rows = min(total, MOST_EXPORTED)
    writer = {"csv": _csv, "jsonl": _jsonl, "npz": _npz}[format]
    return Export(writer(facts, scan, names, rows, total), rows, total)


def default_columns(facts: Facts) -> list[str]:
    """All but the facts of runs, which repeat from row to row, and what is computed of others."""
    first = [*OWN, *([VALUATION] if VALUATION in facts.names else [])]
    return [*first, *(name for name in facts.names if name not in {*first, *OF_RUNS, ILLEGAL_ARGMAX})]


def _batches(scan: Scan, limit: int) -> Iterator[I64]:
    left = limit
    for rows in scan.chunks():
        for start in range(0, min(len(rows), left), BATCH):
            yield rows[start : min(start + BATCH, left)]
        left -= min(len(rows), left)
        if not left:
            return


def _csv(facts: Facts, scan: Scan, names: Sequence[str], limit: int, total: int) -> Iterator[bytes]:
    yield _csv_line(names)
    before = [b"", *[b","] * (len(names) - 1)]
    for rows in _batches(scan, limit):
        cells = [_cells(facts.read(name, rows), b"", True, lambda text: _csv_line([text])[:-1]) for name in names]
        yield compiled_text.lines(cells, before, b"\n")
    if limit < total:
        yield f"# cut at {limit} of {total} rows\n".encode()


def _csv_line(texts: Sequence[str]) -> bytes:
    line = io.StringIO()
    csv.writer(line, lineterminator="\n").writerow(texts)
    return line.getvalue().encode()


def _jsonl(facts: Facts, scan: Scan, names: Sequence[str], limit: int, total: int) -> Iterator[bytes]:
    keys = [json.dumps(name).encode() + b":" for name in names]
    before = [b"{" + keys[0], *(b"," + key for key in keys[1:])]
    for rows in _batches(scan, limit):
        cells = [
            _cells(facts.read(name, rows), b"null", False, lambda text: json.dumps(text).encode()) for name in names
        ]
        yield compiled_text.lines(cells, before, b"}\n")
    if limit < total:
        yield json.dumps({"cut_at": limit, "total": total}).encode() + b"\n"


def _cells(values: NDArray[Any], unknown: bytes, special: bool, quoted: Any) -> Cells:
    if values.dtype.kind == "U":
        texts, places = np.unique(values, return_inverse=True)
        return compiled_text.words(places, [quoted(text) for text in texts.tolist()])
    if values.dtype == np.float32:
        return compiled_text.floats(values, unknown, special)
    if values.dtype.kind == "f":  # whole numbers of runs, some of which nobody knows
        missing_n = np.isnan(values)
        return compiled_text.replaced(
            compiled_text.integers(np.where(missing_n, 0, values).astype(np.int64)), missing_n, unknown
        )
    return compiled_text.integers(values)


class _Outlet(io.RawIOBase):
    """What is written waits until it is taken; it cannot be sought, as a connection cannot."""

    def __init__(self) -> None:
        self._pieces: list[bytes] = []

    def writable(self) -> bool:
        return True

    def write(self, data: Any) -> int:
        self._pieces.append(bytes(data))
        return len(self._pieces[-1])

    def taken(self) -> bytes:
        found, self._pieces = b"".join(self._pieces), []
        return found


def _npz(facts: Facts, scan: Scan, names: Sequence[str], limit: int, total: int) -> Iterator[bytes]:
    """An archive without compression, one array after the other; only the row numbers are in memory."""
    rows = scan.rows(limit)
    outlet = _Outlet()
    with zipfile.ZipFile(outlet, "w", zipfile.ZIP_STORED) as archive:
        for name in names:
            with archive.open(f"{name}.npy", "w", force_zip64=True) as file:
                dtype = _dtype(facts, name, rows)
                file.write(header(dtype, len(rows)))
                for part in _parts(rows):
                    file.write(facts.read(name, part).astype(dtype, copy=False).tobytes())
                    yield outlet.taken()
            yield outlet.taken()
        for name, value in (("total", np.array(total)), ("cut", np.array(limit < total))):
            with archive.open(f"{name}.npy", "w") as file:
                npy.write_array(file, value, allow_pickle=False)
    yield outlet.taken()


def _parts(rows: I64) -> Iterator[I64]:
    return (rows[at : at + BATCH] for at in range(0, len(rows), BATCH))


def _dtype(facts: Facts, name: str, rows: I64) -> np.dtype[Any]:
    """That of a column; facts of runs are whole numbers unless some are unknown."""
    if name in OF_RUNS and len(rows):
        return np.result_type(*{facts.read(name, part).dtype for part in _parts(rows)})
    return facts.read(name, rows[:0]).dtype
