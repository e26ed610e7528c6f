import shutil

from railyard.board.packs.describe import describe_any
from railyard.board.packs.draw import draw
from railyard.core.runs import plots


def test_a_pack_gets_a_plot_for_each_distribution(tiny_pack, tmp_path):
    drawn = draw(tiny_pack, describe_any(tiny_pack), tmp_path)
    assert [path.name for path in drawn] == ["highest_tile.png", "max_rank.png", "valuation_types.png", "scores.png"]
    assert all(path.read_bytes().startswith(b"\x89PNG") for path in drawn)


def test_what_a_pack_lacks_is_not_drawn(tiny_pack, tmp_path):
    shutil.copytree(tiny_pack, tmp_path / "pack")
    [only] = draw(tmp_path / "pack", {"max_rank": {"3": 4}}, tmp_path)
    assert only.name == "max_rank.png"


def test_without_matplotlib_it_is_said(tiny_pack, tmp_path, monkeypatch, caplog):
    monkeypatch.setattr(plots, "available", lambda: False)
    assert draw(tiny_pack, {}, tmp_path) == []
    assert "railyard[plots]" in caplog.text


def test_show_draws_into_a_folder(railyard, tiny_pack, work):
    assert railyard("show", f"path={tiny_pack}", "out=shown").code == 0
    assert {"facts.json", "scores.png"} <= {path.name for path in (work / "shown").iterdir()}
