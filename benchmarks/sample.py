"""Packs for the benchmarks: the sample games, and copies of them to any number of rows."""

import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from railyard.board.packs.importing import import_logs
from railyard.board.packs.metadata import Run, runs_writer
from railyard.board.packs.pack import Pack
from railyard.board.packs.schema import METADATA_FILE, STEP, STEPS_STEM, VALUATION_FILE
from railyard.board.tokens.fit import fit
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.core.config.conf_folders import bundled
from railyard.core.store.shards import ShardWriter


@contextmanager
def sample_pack(copies: int) -> Iterator[tuple[Pack, MacroxueTokenizer]]:
    """A pack of `copies` times the sample games in a temporary folder, page-cached, and a tokenizer for it."""
    with tempfile.TemporaryDirectory(prefix="railyard-bench-") as folder:
        single = Path(folder) / "single"
        import_logs(bundled("samples") / "board", single)
        tokenizer = fit(Pack.open(single))
        repeated = Path(folder) / "repeated"
        repeated.mkdir()
        repeat(Pack.open(single), repeated, copies)
        yield Pack.open(repeated), tokenizer


def repeat(pack: Pack, out: Path, copies: int) -> None:
    """Write the rows of `pack` `copies` times into `out`, as runs of their own."""
    rows = next(pack.rows.chunks(len(pack)))[1].copy()
    runs = pack.runs
    with runs_writer(out / METADATA_FILE) as writer, ShardWriter(out, STEPS_STEM, STEP, 1_000_000) as steps:
        for copy in range(copies):
            for run in range(len(runs.id)):
                run_id = copy * len(runs.id) + run
                facts = (int(column[run]) for column in (runs.seed, runs.steps, runs.max_score, runs.highest_tile))
                writer.add(Run(run_id, *facts))
            steps.write(rows)
            rows["run_id"] += len(runs.id)
    (out / VALUATION_FILE).write_bytes((pack.path / VALUATION_FILE).read_bytes())
