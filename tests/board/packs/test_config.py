import subprocess
import sys

import pytest
from pydantic import ValidationError

from railyard.board.packs.config import ImportLogs
from railyard.board.packs.pack import Pack


def test_the_defaults():
    verb = ImportLogs(source="logs", out="pack")
    assert (verb.shard_rows, verb.on_error, verb.legality) == (None, "stop", "board")


@pytest.mark.parametrize(
    "keys",
    [{"shard_rows": 0}, {"shard_rows": 1.5}, {"on_error": "ask"}, {"legality": "any"}, {"workers": 0}, {"worker": 2}],
)
def test_other_values_are_refused(keys):
    with pytest.raises(ValidationError):
        ImportLogs(source="logs", out="pack", **keys)


def test_every_key_has_a_reason():
    assert all(field.description for field in ImportLogs.model_fields.values())


def test_it_runs_and_answers_with_counts(logs, tmp_path):
    logs.game()
    told = []
    verb = ImportLogs(source=str(logs.folder), out=str(tmp_path / "pack"), shard_rows=10)
    result = verb.run(progress=lambda done, games: told.append((done, games)))
    assert (result["out"], result["rows"], result["already_there"]) == (str(tmp_path / "pack"), 1, False)
    assert told == [(1, 1)]
    assert Pack.open(tmp_path / "pack").rows.paths[0].name == "steps-00000.npy"


def test_checking_a_config_imports_nothing_heavy():
    program = "import sys, railyard.board.packs.config; print({'numba', 'numpy', 'torch'} & set(sys.modules))"
    ran = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, check=True)
    assert ran.stdout.strip() == "set()"
