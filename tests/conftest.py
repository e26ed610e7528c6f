"""What all tests share: a run of a verb inside this process, and a small pack with its tokenizer."""

import gzip
import json
import logging
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

ROOT = Path(__file__).resolve().parents[1]
GAME = "depth03_worker03_seed0000003004_game000000"
MOVES = 600


@dataclass(frozen=True)
class Done:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:
        """The last line of standard output as JSON."""
        return json.loads(self.out.splitlines()[-1])


@pytest.fixture
def work(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """An empty working directory."""
    monkeypatch.chdir(tmp_path)
    return tmp_path


@pytest.fixture
def railyard(work: Path, capsys: pytest.CaptureFixture[str]) -> Iterator[Callable[..., Done]]:
    """`railyard("train", "seed=1")` in this process, in an empty working directory."""
    from railyard import cli

    logger = logging.getLogger()
    handlers, level = list(logger.handlers), logger.level

    def run(*words: str) -> Done:
        capsys.readouterr()
        code = cli.main([*words])
        return Done(code, *capsys.readouterr())

    yield run
    for handler in [*logger.handlers]:
        if handler not in handlers:
            logger.removeHandler(handler)
            if isinstance(handler, logging.FileHandler):
                handler.close()
    logger.handlers[:] = handlers
    logger.setLevel(level)


@pytest.fixture(scope="session")
def tiny_logs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Raw logs of three short games: the first moves of one sample game under three seeds."""
    folder = tmp_path_factory.mktemp("logs")
    samples = ROOT / "samples" / "board"
    meta = json.loads((samples / f"{GAME}.meta.json").read_text(encoding="utf-8"))
    with gzip.open(samples / f"{GAME}.jsonl.gz", "rt", encoding="utf-8") as file:
        lines = [next(file) for _ in range(MOVES)]
    for number in range(3):
        stem = f"depth03_worker00_seed{number:010d}_game000000"
        part = lines[: MOVES - 100 * number]
        with gzip.open(folder / f"{stem}.jsonl.gz", "wt", encoding="utf-8") as file:
            file.writelines(part)
        (folder / f"{stem}.meta.json").write_text(json.dumps(meta | {"seed": number}), encoding="utf-8")
    return folder
