"""The processes of a run on several devices: rank 0 is the run itself, and starts the others from its run folder.

A rank above 0 reads `config.yaml` of the folder and the task that rank 0 sends, trains along, and writes nothing. It
hears no signals: rank 0 decides for all. It leaves as soon as rank 0 is gone, and what went wrong in it becomes rank
0's error. The command line that began the run plays no part, so runs inside sweeps and their workers are the same.
"""

import json
import logging
import os
import signal
import sys
import threading
import warnings
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import asdict, dataclass, replace
from multiprocessing.connection import Connection
from pathlib import Path
from subprocess import TimeoutExpired
from typing import Any

from railyard.core.errors import RailyardError, UserError
from railyard.core.runs.signals import Stopped
from railyard.core.store import workers

_PROGRAM = "import sys; from railyard.core.training.ranks import run_rank; run_rank(int(sys.argv[1]))"
_SIGNALS = {signal.SIGINT, signal.SIGTERM, signal.SIGHUP, signal.SIGUSR1, signal.SIGUSR2}
_READY = b"ready"
_LEAVING_SECONDS = 30  # after the fit a rank only has to let go of its device
_TELLING_SECONDS = 10  # a loader's worker that outlives its rank keeps its connections open for some seconds
_LOST = 70  # exit code of a rank that left because another one was gone


@dataclass(frozen=True)
class Task:
    """What a rank above 0 has to know beside the config of the run."""

    folder: str
    checkpoint: str | None
    resumed: bool
    pruned: bool  # a trial that its sweep may end early
    threads: int
    path: tuple[str, ...] = ()
    port: int = 0
    rank: int = 0


class RankFailed(RailyardError):
    """A rank above 0 ended before the fit did."""


class _Member:
    """A rank above 0, seen from rank 0."""

    def __init__(self, task: Task) -> None:
        self.rank = task.rank
        rank = {"RANK": str(task.rank), "LOCAL_RANK": str(task.rank)}  # trackers and Lightning look there first
        environment = {**os.environ, **rank, "OMP_NUM_THREADS": str(task.threads)}
        self.process, self.link = workers.interpreter(_PROGRAM, environment)
        self.link.send_bytes(json.dumps(asdict(task)).encode())

    def wait_until_ready(self) -> None:
        try:
            word = self.link.recv_bytes()
        except (EOFError, ConnectionError):
            raise self.failure(b"") from None
        if word != _READY:
            raise self.failure(word)

    def last_word(self) -> bytes:
        """What it said before it went; it must have ended."""
        try:
            return self.link.recv_bytes()
        except (EOFError, ConnectionError):
            return b""

    def failure(self, word: bytes) -> RailyardError:
        """Why it is gone, as the error that rank 0 raises."""
        if not word:
            code = self.process.wait()
            how = f"was ended by {signal.Signals(-code).name}" if code < 0 else "failed; its reason stands above"
            return RankFailed(f"rank {self.rank} of the run {how}; resume= goes on from the last checkpoint")
        said = json.loads(word)
        return (UserError if said["exit_code"] == UserError.exit_code else RailyardError)(said["message"])

    def leave(self, patience: float) -> None:
        """See it gone: by itself if it has some time, else at once."""
        with suppress(TimeoutExpired):
            self.process.wait(patience)
        self.process.kill()
        self.process.wait()
        self.link.close()


class Others:
    """The ranks above 0 of the run that this process is rank 0 of; none of a run in one process."""

    def __init__(self, strategy: Any, task: Task) -> None:
        from railyard.core.training import distributed

        self.strategy = strategy
        self.store = distributed.store()
        path = tuple(place or str(Path.cwd()) for place in sys.path)
        own = replace(task, port=self.store.port, path=path)
        self.members = [_Member(replace(own, rank=rank)) for rank in range(1, strategy.world_size)]

    @contextmanager
    def joined(self) -> Iterator[None]:
        """The group of all ranks, once they are ready; a rank that is lost meanwhile is named."""
        from railyard.core.training import distributed

        for member in self.members:
            member.wait_until_ready()
        try:
            with distributed.joined(self.strategy, self.store):
                yield
        except RuntimeError as fault:
            if distributed.lost_peer(fault):
                raise self._blame() or fault from None
            raise

    def _blame(self) -> RailyardError | None:
        """The error of the rank that went first: the others left because of it."""
        for member in self.members:
            with suppress(TimeoutExpired):
                if member.process.wait(_TELLING_SECONDS) != _LOST:
                    return member.failure(member.last_word())
        return None

    def leave(self, patience: float) -> None:
        for member in self.members:
            member.leave(patience)


@contextmanager
def others(trainer: Any, task: Task) -> Iterator[Others | None]:
    """Start the ranks above 0 that `trainer` needs, and see them gone at the end; None if it has no group.

    The cores' threads are shared out evenly, which a sum's last bits depend on, and given back afterwards.
    """
    from railyard.core.training.distributed import OwnRanks

    if not isinstance(trainer.strategy, OwnRanks):
        yield None
        return
    with _threads(task.threads):
        ranks, patience = Others(trainer.strategy, task), 0.0
        try:
            yield ranks
            patience = _LEAVING_SECONDS
        except Stopped:
            patience = _LEAVING_SECONDS
            raise
        finally:
            ranks.leave(patience)


@contextmanager
def _threads(number: int) -> Iterator[None]:
    import torch

    before = torch.get_num_threads()
    torch.set_num_threads(number)
    try:
        yield
    finally:
        torch.set_num_threads(before)


def run_rank(descriptor: int) -> None:
    """What a rank above 0 does: takes its task, trains along, says what went wrong."""
    signal.pthread_sigmask(signal.SIG_BLOCK, _SIGNALS)
    link = Connection(descriptor)
    task = Task(**json.loads(link.recv_bytes()))
    sys.path[:] = task.path
    threading.Thread(target=_leave_with_rank_zero, args=(link,), daemon=True).start()
    logging.disable(logging.WARNING)  # rank 0 says the same
    warnings.simplefilter("ignore")
    os._exit(_followed(task, link))  # taking the interpreter apart would cost rank 0 seconds of waiting


def _leave_with_rank_zero(link: Connection) -> None:
    """Rank 0 sends nothing after the task: the end of the stream is its end."""
    with suppress(EOFError, OSError):
        link.recv_bytes()
    os._exit(_LOST)


def _followed(task: Task, link: Connection) -> int:
    """Train along; the exit code."""
    from railyard.core.training.distributed import lost_peer

    try:
        _follow(task, link)
    except Stopped:
        return 0
    except RailyardError as fault:
        link.send_bytes(json.dumps({"message": str(fault), "exit_code": fault.exit_code}).encode())
        return 1
    except RuntimeError as fault:
        if lost_peer(fault):
            return _LOST
        raise
    return 0


def _follow(task: Task, link: Connection) -> None:
    import torch

    from railyard.core.training import distributed
    from railyard.core.training import fit as training

    torch.set_num_threads(task.threads)
    fit = training.follow(task)
    link.send_bytes(_READY)
    with distributed.joined(fit.trainer.strategy, distributed.store(task.port)):
        fit.run()
