import numpy as np
from annotators import annotate, facts
from pools import write_pool

from railyard.board.annotation.report import NOT_AVAILABLE
from railyard.board.packs.metadata import Run
from railyard.board.packs.schema import SELFPLAY


def pool_of_one_game(folder):
    rows = np.zeros(4, SELFPLAY)
    rows["step_idx"] = np.arange(4)
    rows["exps"] = np.arange(16) % 7 + np.arange(4)[:, None]
    return write_pool(folder, rows, [Run(0, 1, 4, 10, 4)])


def test_what_self_play_lacks_is_not_available(tmp_path):
    folder, _ = annotate(pool_of_one_game(tmp_path / "pool"), tmp_path, plots=True)
    text = (folder / "report.md").read_text()
    assert f"| self-play | 4 | {NOT_AVAILABLE}" in text
    assert f"{NOT_AVAILABLE}: no move of the teacher is known." in text
    assert (folder / "annotation.png").stat().st_size > 10_000


def test_without_metrics_there_is_nothing_to_compare(tmp_path):
    folder, _ = annotate(pool_of_one_game(tmp_path / "pool"), tmp_path, facts(), products=["annotations"])
    assert "`metrics` was left out" in (folder / "report.md").read_text()
