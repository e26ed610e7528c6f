"""The report's text, and that its plots are drawn."""

import pytest

from railyard.board.game.figures import Results
from railyard.board.playing import report
from railyard.core.store import durable

PNG = b"\x89PNG"
PROVENANCE = {
    "command": ["railyard", "play"],
    "created_at": "now",
    "code": {"git_commit": None, "git_dirty": None, "source_sha256": "0" * 64},
    "machine": {"system": "s", "cores": 2, "device": "d"},
    "python": "3",
    "packages": {},
    "seed": 1,
}


@pytest.fixture
def results():
    found = Results()
    for score, tile, ended in (
        (100, 2048, "no legal move"),
        (300, 1024, "no legal move"),
        (50, 4096, "no move chosen"),
    ):
        found.note(score, score // 2, tile, ended)
    return found


@pytest.mark.parametrize("speeds", [[], [(1.0, 900.0)]])
def test_a_report_names_scores_shares_and_ends(results, tmp_path, speeds, monkeypatch):
    save, shown = report.plots.save, []
    monkeypatch.setattr(
        report.plots, "save", lambda figure, path: (shown.append(figure.axes[4].axison), save(figure, path))
    )
    durable.write_json(tmp_path / "provenance.json", PROVENANCE)
    report.write(tmp_path, "Play: random", results, {"player": "random"}, speeds)
    text = (tmp_path / "report.md").read_text()
    assert "3 games, 225 moves. Mean score **150**" in text
    assert "| 2,048 | 2 | 0.6667 | 0.208 to 0.939 |" in text
    assert "| no move chosen | 1 |" in text
    assert (tmp_path / "games.png").read_bytes()[:4] == PNG
    assert shown == [bool(speeds)]


def test_without_matplotlib_the_report_says_so(results, tmp_path, monkeypatch):
    monkeypatch.setattr(report.plots, "available", lambda: False)
    durable.write_json(tmp_path / "provenance.json", PROVENANCE)
    report.write(tmp_path, "Play", results, {}, [])
    assert "pip install 'railyard[plots]'" in (tmp_path / "report.md").read_text()


def test_players_are_drawn_beside_each_other(tmp_path):
    players = {
        "random": {"mean_score": 1100.0, "low": -20.0, "high": 1200.0, "games": 3},
        "teacher": {"mean_score": 70000.0, "low": 60000.0, "high": 80000.0, "games": 50},
    }
    report.compare(tmp_path / "strength.png", players)
    assert (tmp_path / "strength.png").read_bytes()[:4] == PNG
