"""Plots are written whole, without a display."""

import builtins

import pytest

from railyard.core.runs import plots

PNG = b"\x89PNG\r\n"


def test_curves_of_one_and_of_many(tmp_path):
    plots.curves(tmp_path / "one.png", "loss", {"train": ([1, 2], [2.0, 1.0])})
    plots.curves(tmp_path / "many.png", "loss", {f"head {i}": ([1, 2], [i, 1.0]) for i in range(7)})
    for name in ("one.png", "many.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def test_bars(tmp_path):
    plots.bars(tmp_path / "bars.png", "agreement", {"a": 0.5, "b": 0.25}, {"a": "12 rows"}, "share")
    plots.bars(tmp_path / "none.png", "agreement", {}, {}, "share")
    assert (tmp_path / "bars.png").read_bytes().startswith(PNG)


def test_available_says_whether_matplotlib_is_there(monkeypatch):
    assert plots.available()
    real = builtins.__import__

    def without(name, *rest):
        if name == "matplotlib":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert not plots.available()


@pytest.fixture(autouse=True)
def extra():
    pytest.importorskip("matplotlib")
