"""Names in any script: own font, fonts of the machine, and characters that none of them has."""

import pytest

from railyard.core.runs import fonts

font_manager = pytest.importorskip("matplotlib.font_manager")


@pytest.fixture
def installed(tmp_path, monkeypatch):
    """A machine with matplotlib's fonts and one more, which has 森 and nothing else."""
    from fontTools.fontBuilder import FontBuilder
    from fontTools.pens.ttGlyphPen import TTGlyphPen

    builder = FontBuilder(1000)
    builder.setupGlyphOrder([".notdef", "tree"])
    builder.setupCharacterMap({ord("森"): "tree"})
    pen = TTGlyphPen(None)
    builder.setupGlyf({".notdef": pen.glyph(), "tree": pen.glyph()})
    builder.setupHorizontalMetrics({".notdef": (500, 0), "tree": (1000, 0)})
    builder.setupHorizontalHeader(ascent=800, descent=-200)
    builder.setupNameTable({"familyName": "Noto Forest", "styleName": "Regular"})
    builder.setupOS2()
    builder.setupPost()
    builder.save(tmp_path / "forest.ttf")
    own = [entry for entry in font_manager.fontManager.ttflist if "mpl-data" in entry.fname]
    monkeypatch.setattr(font_manager.fontManager, "ttflist", own)
    font_manager.fontManager.addfont(tmp_path / "forest.ttf")


def test_a_font_of_the_machine_is_asked_only_for_what_the_own_one_lacks(installed):
    assert fonts.fonts_for(["val/loss", "потеря", "απώλεια"]).names == (fonts.OWN,)
    found = fonts.fonts_for(["a\nb", "森"])
    assert (found.names, found.missing, found.sentence()) == ((fonts.OWN, "Noto Forest"), "", "")
    assert found.files[1].endswith("forest.ttf")


def test_what_no_font_has_is_named(installed):
    found = fonts.fonts_for(["森林猫"])
    assert found.missing == "林猫"
    assert found.sentence() == "no font of this machine has 林 猫: install one, e.g. Noto Sans CJK"
