"""What all tests share: a run of a verb inside this process, and a small pack with its tokenizer."""

import gc
import gzip
import json
import logging
import os
import signal
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from itertools import islice
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

# a busy machine is slow to generate and to run; that says nothing about the code
settings.register_profile("railyard", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("railyard")

# before torch is imported, here and in processes that tests start: two workers of xdist share two cores, and torch's
# threads that wait for one another would take as much time again as small models do
os.environ.setdefault("OMP_NUM_THREADS", "1")

# a shell's background jobs ignore Ctrl-C, and so would every process that a test starts and interrupts
if signal.getsignal(signal.SIGINT) is signal.SIG_IGN:
    signal.signal(signal.SIGINT, signal.default_int_handler)

ROOT = Path(__file__).resolve().parents[1]
MOVES = 400


def pytest_collection_finish() -> None:
    """Modules and tests stay to the end: each search for circles in all of them takes some tenths of a second."""
    gc.collect()
    gc.freeze()


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
    """Raw logs of three short games: the beginnings of three sample games."""
    folder = tmp_path_factory.mktemp("logs")
    for path in sorted((ROOT / "samples" / "board").glob("depth03*.jsonl.gz"))[:3]:
        with gzip.open(path, "rt", encoding="utf-8") as file:
            lines = list(islice(file, MOVES))
        with gzip.open(folder / path.name, "wt", encoding="utf-8", compresslevel=1) as file:
            file.writelines(lines)
        name = path.name.replace(".jsonl.gz", ".meta.json")
        meta = json.loads((path.parent / name).read_text(encoding="utf-8"))
        rank = json.loads(lines[-1])["max_rank"]
        meta |= {"num_moves": MOVES, "max_rank": rank, "max_tile": 2**rank}
        (folder / name).write_text(json.dumps(meta), encoding="utf-8")
    return folder


@pytest.fixture(scope="session")
def tiny_pack(tiny_logs: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A pack of 1,200 rows in three runs."""
    from railyard.board.packs.config import ImportLogs

    out = tmp_path_factory.mktemp("packs") / "tiny"
    ImportLogs(source=tiny_logs, out=out).run()
    return out


@pytest.fixture(scope="session")
def tiny_tokenizer(tiny_pack: Path) -> Path:
    """A tokenizer of four bins, fitted to the tiny pack."""
    from railyard.board.tokens.config import FitTokenizer

    out = tiny_pack.parent / "tokenizer.json"
    FitTokenizer(pack=tiny_pack, out=out, bins=4).run()
    return out
