"""How soon a run with `data.rejection` has its rows: four mixes over 50 million rows, from opening to the first batch.

The pack holds copies of the sample games, its annotations are drawn; both are files of their real size in the page
cache. A process of its own does it twice, without caches and with them, and tells the CPU time of the second time of
each: what is loaded or compiled once is not in it.
"""

import json
import os
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np

from benchmarks.anonymous import now_kib, peak_kib
from benchmarks.figure import Figure
from benchmarks.sample import sample_pack
from railyard.board.packs.alignment import alignment_of
from railyard.board.packs.annotation_session import SOURCE_FILE
from railyard.board.packs.annotations import ANNOTATION, ANNOTATIONS_STEM, KINDS, MANIFEST_FILE
from railyard.board.packs.pack import Pack
from railyard.board.training.config import PackData
from railyard.board.training.rejection.config import Rejection
from railyard.board.training.rejection.data import MixedPackData
from railyard.board.training.rejection.mixes import Mixes
from railyard.core.store.shards import ShardWriter

COPIES = 1063  # of the sample's 47,053 rows
CHUNK = 1 << 20
WRONG = 0.1  # share of the rows whose teacher's move is not the student's
TARGETS = {"without caches": 3.0, "with caches": 0.3}  # CPU seconds
MEGABYTES = 400


def measure() -> list[Figure]:
    with sample_pack(COPIES) as (pack, tokenizer), tempfile.TemporaryDirectory(prefix="railyard-bench-") as name:
        folder = Path(name)
        tokenizer.save(folder / "tokenizer.json")
        _annotate(pack, folder)
        return [figure for way in TARGETS for figure in _figures(way, pack, folder)]


def _annotate(pack: Pack, out: Path) -> None:
    """Annotations of all rows, one shard for each million, with what a manifest says of them."""
    draws = np.random.default_rng(0)
    with ShardWriter(out, ANNOTATIONS_STEM, ANNOTATION, CHUNK) as writer:
        for _, steps in pack.rows.chunks(CHUNK):
            rows = np.zeros(len(steps), ANNOTATION)
            rows["run_id"], rows["step_index"], rows["teacher_move"] = (
                steps["run_id"],
                steps["step_index"],
                steps["move_dir"],
            )
            rows["legal_mask"], rows["policy_kind_mask"] = steps["ev_legal"], KINDS["policy_p1"]
            wrong = draws.random(len(steps)) < WRONG
            rows["argmax_head"] = (rows["teacher_move"] + wrong * draws.integers(1, 4, len(steps))) % 4
            rows["argmax_prob"] = draws.random(len(steps))
            writer.write(rows)
    chunks = ((rows["run_id"], rows["step_index"]) for _, rows in pack.rows.chunks(CHUNK))
    runs = [{"run_id": number, "policy_kind_mask": KINDS["policy_p1"]} for number in pack.runs.id.tolist()]
    held = ["teacher_move", "policy_p1", "argmax_head", "branch_evs"]
    manifest = {"kinds": KINDS, "runs": runs, "alignment": {"checksum": alignment_of(chunks)}, "filter_inputs": held}
    (out / MANIFEST_FILE).write_text(json.dumps(manifest))
    (out / SOURCE_FILE).write_text(json.dumps({"pool_fingerprint": pack.fingerprint()}))


def _figures(way: str, pack: Pack, folder: Path) -> list[Figure]:
    caches = [str(folder / "cache")] if way == "with caches" else []
    command = [sys.executable, "-m", "benchmarks.mixes_ready", str(pack.path), str(folder), *caches]
    said = json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)
    peak = peak_kib(command) / 1024
    note = f"of {said['rows']:,} rows the filters found {', '.join(f'{count:,}' for count in said['found'])}"
    seconds, imports = said["seconds"], f"{said['before']:,.0f} MB are imports"
    return [
        _most(f"4 mixes over 50M rows ready, {way}", seconds, "s of CPU time", TARGETS[way], note),
        _most(f"anonymous memory meanwhile, {way}", peak, "MB at most", MEGABYTES, imports),
    ]


def _most(name: str, value: float, unit: str, limit: float, note: str) -> Figure:
    return Figure(name, value, unit, f"<= {limit:g}", value <= limit, "", None, note)


def main(pack: Path, annotations: Path, cache_dir: Path | None = None) -> None:
    """Makes the first batch twice and tells of the second time."""
    before = now_kib(os.getpid()) / 1024
    _ready(pack, annotations, cache_dir)
    start = time.process_time()
    mixes = _ready(pack, annotations, cache_dir)
    seconds = time.process_time() - start
    found = [one.selection.matched for one in mixes.mixes]
    print(json.dumps({"seconds": seconds, "rows": len(mixes.mixes[0].pack), "found": found, "before": before}))


def _ready(pack: Path, annotations: Path, cache_dir: Path | None) -> Mixes:
    filters = [
        {"id": "wrong", "name": "student_wrong_p1", "weight": 0.3},
        {"id": "unsure", "name": "low_confidence", "params": {"max_prob": 0.1}, "weight": 0.2},
        {"id": "least", "name": "low_confidence", "params": {"max_prob": 0.05}, "weight": 0.1},
        {"id": "all", "name": "passthrough", "weight": 0.4},
    ]
    rejection = Rejection.model_validate({"annotation_dir": annotations, "filters": filters, "cache_dir": cache_dir})
    knobs = PackData(pack=pack, tokenizer=annotations / "tokenizer.json", rejection=rejection, batch_size=1024)
    data = MixedPackData(knobs)
    loader = data.train_dataloader()
    loader.source.__getitems__(loader.order.positions(0, 0))
    return data.mixes


if __name__ == "__main__":
    main(*map(Path, sys.argv[1:]))
