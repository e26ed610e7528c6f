"""What analyses run, compiled by a process of its own when the server has begun.

The first time, compiling takes half a minute of a core. In the server it would hold the interpreter, and numba's lock,
against every page meanwhile, and could not be given up when the server ends.
"""

from subprocess import TimeoutExpired

from railyard.board.review.limits import WAIT_SECONDS
from railyard.board.review.problems import Preparing
from railyard.core.store.workers import Process, interpreter

_PROGRAM = "from railyard.board.review.warming import compile_all; compile_all()"
_BOARD = [6, 5, 3, 1, 2, 2, 1, 0, 1, 1, 0, 0, 0, 0, 0, 0]


class Warming:
    """The process that compiles, once it has begun."""

    def __init__(self) -> None:
        self._process: Process | None = None

    def begin(self) -> None:
        self._process, link = interpreter(_PROGRAM)
        link.close()

    def wait(self) -> None:
        """Until it is over, however it went: what is not compiled then is compiled when it is first used.

        Preparing where that takes longer than a caller waits.
        """
        if self._process is None:
            return
        try:
            self._process.wait(WAIT_SECONDS)
        except TimeoutExpired:
            raise Preparing(
                "analyses are being compiled, once for each version of Railyard: ask again in half a minute"
            ) from None

    def end(self) -> None:
        if self._process is not None:
            self._process.kill()
            self._process.wait()


def compile_all() -> None:
    """Asks one of everything, so that all of it lies in the cache of compiled code."""
    from railyard.board.review.analysis import Analyst
    from railyard.board.review.analysis_models import AnalyzeRequest, RolloutRequest

    analyst = Analyst(None, None, threads=1)
    analyst.analyze(AnalyzeRequest(board=_BOARD))
    analyst.rollouts(RolloutRequest(board=_BOARD, moves=[1], games=1, player="random"))
    analyst.rollouts(RolloutRequest(board=_BOARD, moves=[1], games=1, player="teacher"))
