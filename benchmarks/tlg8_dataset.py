"""The data set of rankers: from contexts, from lines, its ungated targets, and memory as it grows."""

import itertools
import json
import shutil
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import numpy as np

from benchmarks.anonymous import peak_kib
from benchmarks.figure import Figure, cost
from benchmarks.tlg8_images import IMAGES, images
from benchmarks.yardstick import MULTIPLY_ADDS, SPEED, in_turns, multiply_adds
from railyard.tlg8.artifacts import line_records
from railyard.tlg8.artifacts.assembly import BLOCKS, INDEX, LABELS, LINES, META
from railyard.tlg8.artifacts.block_columns import Columns
from railyard.tlg8.artifacts.extraction import extract
from railyard.tlg8.artifacts.labels import Labelled, index_line, label_records, pack_meta
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.codec.golomb import PLAIN
from railyard.tlg8.codec.pair_tables import tables_of
from railyard.tlg8.features.building import build
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.targets import ungated
from railyard.tlg8.images.reading import png_bytes

CHEAP = Features(
    columns=[
        "log1p(score_residual_energy_by_predictor)",
        "reorder_tv_mean",
        "reorder_tv2_mean",
        "pixel_means_4x4",
        "pixel_dct",
        *(f"log1p(plane_l1[{25 * predictor}:{25 * predictor + 18}])" for predictor in range(8)),
    ]
)
ALL = Features(
    columns=[
        *(
            f"score_bits_plain_{name}_min_by_{head}"
            for name in ("none", "interleave")
            for head in ("predictor", "reorder")
        ),
        "score_bits_plain_hilbert_none_min_by_filter",
        "score_bits_plain_hilbert_interleave_min_by_filter",
        "log1p(score_residual_energy_by_predictor)",
        "reorder_tv_mean",
        "reorder_tv2_mean",
    ],
    allow_answer=True,
)
BLOCKS_OF_AN_IMAGE = 1000  # of the pack that stands for a large one
SMALL, LARGE = 200_000, 2_000_000
COSTED = 400  # blocks whose 12,288 costs are computed at a time


def measure() -> list[Figure]:
    with tempfile.TemporaryDirectory() as folder:
        place = Path(folder)
        for name, planes in zip(IMAGES, images(), strict=True):
            (place / f"{name}.png").write_bytes(png_bytes(planes))
        extract(place, place / "pack", workers=1)
        pack = Pack.open(place / "pack")
        lines_only = Path(shutil.copytree(place / "pack", place / "lines"))
        (lines_only / BLOCKS).unlink()
        return [_contexts(pack), _lines(lines_only), _targets(pack), _memory(pack, place)]


@contextmanager
def _fresh() -> Iterator[Path]:
    with tempfile.TemporaryDirectory() as folder:
        yield Path(folder) / "run"


def _built(pack: Path, features: Features, projections: bool) -> int:
    with _fresh() as run:
        return build([pack], run, features, with_projections=projections).blocks


def _contexts(pack: Pack) -> Figure:
    pair = in_turns(lambda: _built(pack.path, CHEAP, False), multiply_adds)
    name = f"tlg8 data set from contexts, {len(CHEAP.names)} cheap features, a block"
    return cost(name, pair, MULTIPLY_ADDS, SPEED[MULTIPLY_ADDS] / 20_000, note=f"{pair.rate:,.0f} blocks/s of CPU time")


def _lines(pack: Path) -> Figure:
    pair = in_turns(lambda: _built(pack, ALL, True), multiply_adds)
    ratio = pair.rate / _slow_rate(pack)
    return cost(
        f"tlg8 data set from JSON lines, {len(ALL.names)} features and strict targets, a block",
        pair,
        MULTIPLY_ADDS,
        SPEED[MULTIPLY_ADDS] / 20_000,
        "lines alone by pydantic's parser",
        ratio,
        f"{pair.rate:,.0f} blocks/s of CPU time",
    )


def _slow_rate(pack: Path) -> float:
    with (pack / LINES).open("rb") as file:
        lines = list(itertools.islice(file, 1000))
    columns, start = Columns.empty(1), time.process_time()
    for line in lines:
        line_records.fill(line, columns, 0)
    return len(lines) / (time.process_time() - start)


def _targets(pack: Pack) -> Figure:
    assert pack.blocks_N is not None
    rows = pack.blocks_N[pack.blocks_N["components"] == 3][:COSTED]
    contexts, components = np.ascontiguousarray(rows["context"]), np.ascontiguousarray(rows["components"])

    def ours() -> int:
        ungated(contexts, components)
        return len(contexts)

    def plain() -> int:
        table = tables_of(contexts, np.full((len(contexts), 2), 8, np.uint8), 3, False, PLAIN)[0]
        table.reshape(len(contexts), 768, 16).min(axis=2)
        for axes in ((2, 3, 4), (1, 3, 4), (1, 2, 4), (1, 2, 3)):
            table.min(axis=axes)
        return len(contexts)

    pair = in_turns(ours, multiply_adds)
    ratio = in_turns(ours, plain, seconds=2).ratio
    return cost(
        "tlg8 ungated targets, a block",
        pair,
        MULTIPLY_ADDS,
        SPEED[MULTIPLY_ADDS] / 1000,
        "the table of costs reduced by NumPy",
        ratio,
        f"{pair.rate:,.0f} blocks/s of CPU time",
    )


def _memory(pack: Pack, place: Path) -> Figure:
    small, large = (_peak(pack, place / str(blocks), blocks) for blocks in (SMALL, LARGE))
    return Figure(
        f"anonymous memory while a data set of {LARGE:,} blocks is made",
        large / 1024,
        "MiB",
        "<= 1,024 MiB",
        large <= 1024 * 1024,
        f"one of {SMALL:,}",
        small / large,
        f"{SMALL:,} blocks {small / 1024:,.0f} MiB",
    )


def _peak(pack: Pack, folder: Path, blocks: int) -> int:
    """Largest RssAnon in KiB of `railyard dataset` on a pack of so many blocks."""
    _simulate(pack, folder / "pack", blocks)
    words = [f"pack={folder / 'pack'}", f"out={folder / 'run'}", "projections=false", "features.columns=[reorder_tv]"]
    peak = peak_kib([sys.executable, "-m", "railyard.cli", "dataset", *words])
    shutil.rmtree(folder)
    return peak


def _simulate(pack: Pack, folder: Path, blocks: int) -> None:
    """A pack whose contexts are those of a small one, again and again, and whose lines are never read."""
    import hashlib

    assert pack.blocks_N is not None
    folder.mkdir(parents=True)
    rows = np.resize(pack.blocks_N, BLOCKS_OF_AN_IMAGE)
    labels = label_records(rows["ranks"]).tobytes()
    sha256 = hashlib.sha256(labels).hexdigest()
    count = blocks // BLOCKS_OF_AN_IMAGE
    shares = [Labelled(f"image{number}", BLOCKS_OF_AN_IMAGE, sha256, 0, sha256) for number in range(count)]
    with (folder / LABELS).open("wb") as file:
        file.writelines(itertools.repeat(labels, count))
    mapped = np.lib.format.open_memmap(folder / BLOCKS, "w+", rows.dtype, (blocks,))
    for number in range(count):
        mapped[number * BLOCKS_OF_AN_IMAGE : (number + 1) * BLOCKS_OF_AN_IMAGE] = rows
    mapped.flush()
    index = [json.dumps(index_line(each, number * BLOCKS_OF_AN_IMAGE)) for number, each in enumerate(shares)]
    (folder / INDEX).write_text("\n".join(index) + "\n")
    (folder / META).write_text(json.dumps(pack_meta(shares, {"name": "benchmark"})))
    (folder / LINES).touch()
