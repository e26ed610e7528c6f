"""What a picture shows, by its figure before it is written; pictures are written whole, without a display."""

import builtins

import pytest

from railyard.core.intervals import wilson_interval
from railyard.core.runs import fonts, plots

PNG = b"\x89PNG\r\n"


@pytest.fixture(autouse=True)
def extra():
    pytest.importorskip("matplotlib")


@pytest.fixture
def drawn(monkeypatch):
    """The figures that would have been written."""
    figures = []
    monkeypatch.setattr(plots, "save", lambda figure, path: figures.append(figure))
    return figures


def test_a_legend_wherever_a_name_says_more_than_the_heading(drawn, tmp_path):
    curve = ([1, 2], [2.0, 1.0])
    plots.curves(tmp_path / "a.png", "loss", {"val/loss": curve})
    plots.curves(tmp_path / "b.png", "Scores of the runs", {"score": curve})
    plots.curves(tmp_path / "c.png", "loss", {f"head {i}": curve for i in range(7)})
    legends = [[text.get_text() for legend in figure.legends for text in legend.get_texts()] for figure in drawn]
    assert legends == [["val/loss"], [], [f"head {i}" for i in range(7)]]


def test_curves_of_shares_have_the_intervals_of_their_rows(drawn, tmp_path):
    plots.curves(tmp_path / "a.png", "hits", {"hits": ([1, 8], [0.0, 0.5])}, rows={"hits": 20})
    (band,) = drawn[0].axes[0].collections
    highest = band.get_paths()[0].vertices[:, 1].max()
    assert highest == pytest.approx(wilson_interval(10, 20)[1])


def test_shares_stand_on_one_axis_with_interval_and_rows(drawn, tmp_path):
    for share in (0.5, 0.01):
        plots.shares(tmp_path / "a.png", "agreement", {"512": share}, {"512": 1200}, "share of rows")
    axes = [figure.axes[0] for figure in drawn]
    assert axes[0].get_xlim() == axes[1].get_xlim()
    assert "1,200 rows" in axes[0].texts[0].get_text()
    line = axes[0].collections[0].get_segments()[0]
    assert tuple(line[:, 0]) == pytest.approx(wilson_interval(600, 1200))


def test_pictures_are_written_and_say_which_characters_no_font_has(tmp_path, caplog, monkeypatch):
    monkeypatch.setattr(plots, "fonts_for", lambda texts: found("猫" if "猫" in "".join(texts) else ""))
    plots.bars(tmp_path / "none.png", "agreement", {}, {}, "share")
    assert not caplog.messages
    plots.bars(tmp_path / "bars.png", "agreement", {"猫": 0.5}, {"猫": "12 rows"}, "share")
    assert "no font of this machine has 猫" in caplog.text
    for name in ("none.png", "bars.png"):
        assert (tmp_path / name).read_bytes().startswith(PNG)


def found(missing):
    return fonts.Fonts(("DejaVu Sans",), (), missing)


def test_available_says_whether_matplotlib_is_there(monkeypatch):
    assert plots.available()
    real = builtins.__import__

    def without(name, *rest):
        if name == "matplotlib":
            raise ImportError
        return real(name, *rest)

    monkeypatch.setattr(builtins, "__import__", without)
    assert not plots.available()
