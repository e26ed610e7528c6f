import gzip
import os
import pickle
from pathlib import Path

import pytest

from railyard.board.logs.game_meta import BadGame, read_meta


@pytest.mark.parametrize(
    ("keys", "sentence"),
    [
        ({"seed": ...}, "`seed`: Field required"),
        ({"seed": -1}, "`seed`: Input should be greater"),
        ({"seed": 2**64}, "`seed`: Input should be less"),
        ({"num_moves": 1.5}, "`num_moves`: Input should be a valid integer"),
        ({"score": "100"}, "`score`: Input should be a valid integer"),
        ({"max_tile": ...}, "`max_tile`: Field required"),
        ({"max_rank": 256}, "`max_rank`: Input should be less"),
    ],
)
def test_a_meta_file_that_cannot_be_read_is_named_with_its_key(logs, keys, sentence):
    path = logs.meta(**keys)
    with pytest.raises(BadGame, match=rf"game\.meta\.json: {sentence}") as caught:
        read_meta(path)
    assert caught.value.line is None


def test_meta_files_that_are_damaged_are_refused(logs):
    path = logs.meta()
    zipped = path.with_name("other.meta.json.gz")
    zipped.write_bytes(gzip.compress(path.read_bytes())[:-9])
    with pytest.raises(BadGame, match="cannot be read"):
        read_meta(zipped)
    path.write_text("{")
    with pytest.raises(BadGame, match="Invalid JSON"):
        read_meta(path)


def test_a_bad_game_survives_the_way_from_a_worker_process():
    bad = pickle.loads(pickle.dumps(BadGame(Path("a.jsonl.gz"), "no board", 3)))  # noqa: S301
    assert (bad.path, bad.line, bad.reason) == (Path("a.jsonl.gz"), 3, "no board")
    assert str(bad).startswith("a.jsonl.gz, line 3: no board; mend the file")


def test_a_meta_file_that_is_no_file_or_has_no_end_is_refused(logs):
    path = logs.meta()
    zipped = path.with_name("other.meta.json.gz")
    zipped.write_bytes(gzip.compress(b" " * 2**21))
    with pytest.raises(BadGame, match="Invalid JSON"):
        read_meta(zipped)
    path.unlink()
    os.mkfifo(path)
    with pytest.raises(BadGame, match="it is not a regular file"):
        read_meta(path)
