import pickle
from pathlib import Path

from railyard.board.logs.bad_game import BadGame


def test_it_survives_the_way_from_a_worker_process():
    bad = pickle.loads(pickle.dumps(BadGame(Path("a.jsonl.gz"), 3, "no board")))  # noqa: S301
    assert (bad.path, bad.line, bad.reason) == (Path("a.jsonl.gz"), 3, "no board")
    assert str(bad).startswith("a.jsonl.gz, line 3: no board; mend the file")


def test_without_a_line_the_file_stands_alone():
    assert str(BadGame(Path("a.meta.json"), None, "empty")).startswith("a.meta.json: empty; ")
