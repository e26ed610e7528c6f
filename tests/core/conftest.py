"""A sweep of a small verb in this process, as the command line does it."""

import sys

import pytest

from railyard.core.verbs import launch, sweep


@pytest.fixture
def sweep_of(railyard, capsys, monkeypatch):
    """`sweep_of(app, *words, verb=)`; the `railyard` fixture restores logging."""
    monkeypatch.setattr(sys, "path", [*sys.path])

    def run(app, *words, verb="doctor"):
        capsys.readouterr()
        code = launch.guarded(verb, lambda: sweep.call(verb, app, [*words]))
        return code, *capsys.readouterr()

    return run


@pytest.fixture
def only_sweep(work):
    """The one sweep folder of the working directory."""

    def find():
        (found,) = work.glob("outputs/*/*/*")
        return found

    return find
