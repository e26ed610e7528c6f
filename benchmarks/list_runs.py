"""`railyard runs` over 1,000 and 10,000 run folders: the first look, and later ones with the index there.

Held against reading every folder's config, state and metrics with yaml and json each time. The folders are made here:
the quickstart's config with other seeds and rates, its provenance, 60 rows of metrics, a checkpoint manifest.
"""

import json
import shutil
import tempfile
import time
from collections.abc import Callable
from functools import partial
from pathlib import Path

import yaml

from benchmarks.figure import Figure
from benchmarks.yardstick import Pair, in_turns
from railyard.core.config.compose import Composition
from railyard.core.runs import run_state
from railyard.core.runs.catalog import discover, listing
from railyard.core.runs.provenance import provenance
from railyard.core.store.journal import Journal
from railyard.core.store.reading import SafeLoader

SIZES = (1_000, 10_000)
TARGET = 14.0  # times faster: a second for 10,000 runs where reading them all takes 14
ROWS = 60
NAMES = ("train/loss", "train/agreement", "val/loss", "val/agreement", "val/perplexity", "val/teacher_mass")
SETTLED = discover.SETTLED_NS / 1e9
QUERY = "val/loss<5.5, model.optimizer.lr>1e-3 and tag=quickstart"


def measure() -> list[Figure]:
    return [figure for size in SIZES for figure in _figures(size)]


def _figures(size: int) -> list[Figure]:
    root = Path(tempfile.mkdtemp(prefix="runs-"))
    try:
        make(root, size)
        time.sleep(SETTLED)
        first = _seconds(lambda: _list(root, None))
        later, queried = (in_turns(partial(_list, root, where), partial(read_all, root)) for where in (None, QUERY))
        index = (root / ".runs_index.sqlite").stat().st_size / 1e6
    finally:
        shutil.rmtree(root)
    note = f"index {index:.1f} MB, made in {first:.2f} s by the first list"
    return [
        _figure(f"later lists of {size:,} runs", later, note),
        _figure("the same with three conditions", queried),
    ]


def _figure(name: str, pair: Pair, note: str = "") -> Figure:
    alternative = "reading config, state and metrics of every folder"
    note = f"{1000 / pair.rate:,.0f} ms" + (f"; {note}" if note else "")
    return Figure(
        name, pair.ratio, "times faster", f">= {TARGET:g}", pair.ratio >= TARGET, alternative, pair.ratio, note
    )


def _list(root: Path, where: str | None) -> int:
    listing.listed(root, where, "-when", (), trials=False, full=False)
    return 1


def _seconds(work: Callable[[], object]) -> float:
    """CPU time of this process, which other programs on the machine change least."""
    start = time.process_time()
    work()
    return time.process_time() - start


def make(root: Path, size: int) -> None:
    """`size` finished runs below `root`, in four experiments."""
    plain = Composition("train", ["experiment=board/quickstart", "paths.output_dir=RUN"]).container()[0]
    made_by = json.dumps(provenance(["railyard", "train", "experiment=board/quickstart"], seed=0), indent=2)
    metrics = _metrics(root)
    for number in range(size):
        plain["seed"], plain["model"]["optimizer"]["lr"] = number, 1e-4 * (number % 100 + 1)
        text = yaml.dump(plain, Dumper=getattr(yaml, "CSafeDumper", yaml.SafeDumper), sort_keys=False)
        name = f"2026-11-{number % 28 + 1:02}T{number % 24:02}-{number % 60:02}-00Z_{number:06x}"
        _make_run(
            root / "train" / "board" / f"recipe_{number % 4}" / name, text, made_by, metrics, 4 + number % 300 / 100
        )


def _metrics(scratch: Path) -> bytes:
    with Journal(scratch / "metrics.jsonl") as journal:
        for row in range(1, ROWS + 1):
            journal.append({"step": 10 * row, "epoch": row // 10, **dict.fromkeys(NAMES, 4 + 1 / row)})
    return (scratch / "metrics.jsonl").read_bytes()


def _make_run(folder: Path, config: str, provenance: str, metrics: bytes, loss: float) -> None:
    (folder / "checkpoints").mkdir(parents=True)
    (folder / ".lock").touch()
    (folder / "config.yaml").write_text(config)
    (folder / "provenance.json").write_text(provenance)
    (folder / "metrics.jsonl").write_bytes(metrics)
    files = {"step-000000600.ckpt": {"step": 600, "bytes": 1, "sha256": "0" * 64, "best": None, "best_value": loss}}
    manifest = {"schema_version": 1, "last": "step-000000600.ckpt", "best": None, "best_value": loss, "files": files}
    (folder / "checkpoints" / "manifest.json").write_text(json.dumps(manifest, indent=2))
    result = {"steps": 600, "metrics": dict.fromkeys(NAMES, loss)}
    facts = {"schema_version": 1, "state": "finished", "since": "", "message": "", "metrics": run_state.numbers(result)}
    (folder / run_state.FILE).write_text(json.dumps(facts, indent=2))


def read_all(root: Path) -> int:
    """What a script without an index does."""
    found = []
    for config in root.rglob("config.yaml"):
        values = yaml.load(config.read_bytes(), SafeLoader)
        values["state"] = json.loads((config.parent / run_state.FILE).read_bytes())["state"]
        values["metrics"] = [json.loads(line) for line in (config.parent / "metrics.jsonl").read_text().splitlines()]
        found.append(values)
    return 1
