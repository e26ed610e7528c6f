"""Small run folders, written as Railyard writes them."""

import json
import os
import time

import pytest

from railyard.core.runs import run_state
from railyard.core.runs.folder import write_config
from railyard.core.store.journal import Journal


@pytest.fixture
def make(tmp_path):
    """`make("train/none/NAME", …)`: a run folder below `outputs`, settled ten seconds ago."""

    def make(path, rows=((10, 5.0), (20, 4.0)), state="finished", config=None, best=4.0, settled=True):
        folder = tmp_path / "outputs" / path
        folder.mkdir(parents=True)
        saver = {"monitor": "val/loss", "mode": "min"}
        plain = {"seed": 1, "tags": ["a"], "model": {"lr": 0.1, "compile": False}, "callbacks": {"saver": saver}}
        write_config(folder, {**plain, "paths": {"output_dir": str(folder)}, **(config or {})})
        with Journal(folder / "metrics.jsonl") as journal:
            for step, loss in rows:
                journal.append({"step": step, "epoch": 0, "val/loss": loss})
        (folder / "checkpoints").mkdir()
        files = {"a": {"step": rows[-1][0], "sha256": ""}} if rows else {}
        manifest = {"schema_version": 1, "best_value": best, "files": files}
        (folder / "checkpoints" / "manifest.json").write_text(json.dumps(manifest))
        result = {"steps": rows[-1][0], "metrics": {"val/loss": rows[-1][1]}} if rows else {}
        run_state._write(folder, state, result=result)
        if settled:
            settle(folder)
        return folder

    return make


def settle(folder):
    """As if everything in the folder had been written ten seconds ago."""
    then = time.time() - 10
    for path in [*folder.rglob("*"), folder]:
        os.utime(path, (then, then))
