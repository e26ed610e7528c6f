import subprocess
import sys

import pytest

from railyard.board.review import warming
from railyard.board.review.analysis import Analyst
from railyard.board.review.analysis_models import AnalyzeRequest
from railyard.board.review.problems import Preparing

ASKED = AnalyzeRequest(board=[1] * 16)


@pytest.fixture
def begun(monkeypatch):
    """One whose process ends when its standard input does."""

    class Link:
        def close(self):
            pass

    def interpreter(program):
        assert "compile_all" in program
        return subprocess.Popen([sys.executable, "-c", "input()"], stdin=subprocess.PIPE), Link()

    monkeypatch.setattr(warming, "interpreter", interpreter)
    monkeypatch.setattr(warming, "WAIT_SECONDS", 0.01)
    found = warming.Warming()
    found.begin()
    yield found
    found._process.stdin.close()
    found.end()


def test_analyses_are_put_off_while_they_are_being_compiled(begun, monkeypatch):
    monkeypatch.setattr(Analyst, "_analysis", lambda self, request: "answered")
    analyst = Analyst(None, None, warming=begun)
    with pytest.raises(Preparing, match="ask again in half a minute"):
        analyst.analyze(ASKED)
    begun.end()
    assert analyst.analyze(ASKED) == "answered"


def test_one_that_has_not_begun_keeps_nobody_waiting():
    idle = warming.Warming()
    idle.wait()
    idle.end()
