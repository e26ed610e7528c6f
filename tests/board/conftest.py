"""Raw logs small enough to read in a test."""

import gzip
import json
from pathlib import Path

import pytest

START = [0] * 14 + [1, 1]  # two tiles of 2 in the lower right: up, left and right change it, down does not
START_EVS = {"up": 0.5, "left": 0.25, "right": 0.125, "down": None}


def step(**keys):
    """A row as logged; a key given as `...` is left out."""
    row = {"move": "up", "valuation_type": "search", "board": START, "branch_evs": START_EVS, **keys}
    return {key: value for key, value in row.items() if value is not ...}


ONE_ROW = (step(),)


class Logs:
    """Writes games into a folder; rows are dicts, or bytes for lines that are not JSON."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        folder.mkdir(parents=True)

    def game(self, stem="game", rows=ONE_ROW, **meta):
        self.meta(stem, rows, **meta)
        return self.steps(stem, rows)

    def meta(self, stem="game", rows=ONE_ROW, **keys):
        path = self.folder / f"{stem}.meta.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        meta = {"seed": 7, "num_moves": len(rows), "score": 100, "max_tile": 64, **keys}
        path.write_text(json.dumps({key: value for key, value in meta.items() if value is not ...}))
        return path

    def steps(self, stem="game", rows=ONE_ROW):
        path = self.folder / f"{stem}.jsonl.gz"
        lines = [row if isinstance(row, bytes) else json.dumps(row).encode() for row in rows]
        path.write_bytes(gzip.compress(b"".join(line + b"\n" for line in lines)))
        return path


@pytest.fixture
def no_plots(monkeypatch):
    """Reports without plots, for tests of all else: drawing takes longer than what is reported."""
    monkeypatch.setattr("railyard.core.runs.plots.available", lambda: False)


@pytest.fixture
def logs(tmp_path):
    return Logs(tmp_path / "logs")


@pytest.fixture(name="step")
def step_fixture():
    return step


@pytest.fixture
def fixtures():
    return Path(__file__).parents[1] / "fixtures" / "board"


@pytest.fixture
def samples():
    return Path(__file__).parents[2] / "samples" / "board"
