"""What is attacked: every artifact that a verb reads, small good ones of each, their readers, and hostile folders.

A new artifact joins by one line in `kinds`. Readers are those of the verbs, called as the verbs call them.
"""

import io
import itertools
import json
import os
import pickle
import shutil
import sqlite3
import struct
import zipfile
import zlib
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import chdir, suppress
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any

import crash_writers as writers
import numpy as np
import resume_harness
from attack_harness import Kind, Reader, Trial

from railyard.core.errors import BadRecord
from railyard.core.store import durable

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures"
BOARD = FIXTURES / "board"
CANARY = 'from pathlib import Path\nPath("{outside}/ran").write_text("ran")\nclass Evil:\n    pass\n'


def files_in(folder: Path) -> dict[str, bytes]:
    return {str(path.relative_to(folder)): path.read_bytes() for path in sorted(folder.rglob("*")) if path.is_file()}


def made_by(write: Callable[[Path], object], place: Path, below: str = ".") -> dict[str, bytes]:
    """The files that a writer of crash_writers.py leaves in a folder."""
    place.mkdir(parents=True)
    write(place)
    return {name: data for name, data in files_in(place / below).items() if not name.endswith(".lock")}


# --- what the verbs do with them -----------------------------------------------------------------------------------


def show(folder: Path, out: Path) -> object:
    from railyard.apps.show import Show

    return Show.read_as({})(path=folder, out=out / "shown.json").perform(None)  # type: ignore[arg-type]


def show_file(name: str) -> Reader:
    return lambda folder, out: show(folder / name, out)


def list_runs(folder: Path, out: Path) -> object:
    from railyard.core.runs.catalog import index, record

    found = record.read(folder, "run")
    with index.opened(out) as opened:
        opened.refresh({"run": "x"}, lambda _: found, lambda *_: None)
        return [opened.rows(["seed", "data.pack"]), opened.details("run"), opened.keys()]


def compare_runs(folder: Path, out: Path) -> object:
    from railyard.core.runs.catalog import compare

    return compare.as_text(compare.compare([folder, folder]))


def open_in_a_notebook(folder: Path, out: Path) -> object:
    from railyard.notebook import Run

    run = Run(folder)
    return [run.state, repr(run), run._repr_markdown_(), run.provenance, run.metrics, run.model()]


def check_a_notebook_run(folder: Path, out: Path) -> object:
    from railyard.notebook import Run

    return Run(folder).experiment


def resume(folder: Path, out: Path) -> object:
    """What `train resume=` reads before the first step."""
    from railyard.core.runs import provenance
    from railyard.core.runs.folder import experiment_of, read_config
    from railyard.core.runs.trust import refuse_links
    from railyard.core.training import experiment as experiments
    from railyard.core.training import fit, rules
    from railyard.core.training.checkpoint import CheckpointFolder, load
    from railyard.core.training.resuming import resumed_config

    refuse_links(folder)
    experiment_of(folder)
    config, _ = resumed_config(read_config(folder), {}, [], folder)
    experiment, faults = experiments.read(config)
    if experiment is None or faults or rules.check(experiment):
        return faults
    fit.refuse_other_data(provenance.read(folder), GOOD_FACTS, folder)
    checkpoints = CheckpointFolder(folder / "checkpoints")
    fit._refuse_lost_manifest(folder)
    return load(checkpoints.newest_good()) if checkpoints.content["files"] else None


def continue_training(folder: Path, out: Path) -> object:
    """`train ckpt_path=` on another run's checkpoint, up to its first step."""
    from railyard.core.runs.folder import write_config
    from railyard.core.training import experiment as experiments
    from railyard.core.training import fit

    checkpoint = next(folder.rglob("*.ckpt"))
    root, _ = experiments.read({**GOOD_CONFIG, "ckpt_path": str(checkpoint)})
    assert root is not None
    trainer = replace(root.trainer, kwargs={**root.trainer.kwargs, "max_steps": 8})
    root = root.model_copy(update={"trainer": trainer, "callbacks": None, "logger": None})
    write_config(out, GOOD_CONFIG)
    return fit.fit(root, out, ["railyard", "train"], resumed=False)


GOOD_CONFIG: dict[str, Any] = {}  # of the run that is attacked
GOOD_FACTS: dict[str, Any] = {}  # of its data


def evaluate(folder: Path, out: Path) -> object:
    from railyard.core.training.subject import find

    return find({}, run=folder)


def evaluate_checkpoint(folder: Path, out: Path) -> object:
    from railyard.board.training.subject import init_from_checkpoint

    return init_from_checkpoint(folder, GOOD_CONFIG, next(folder.rglob("*.ckpt")), out / "init")


def replay(folder: Path, out: Path) -> object:
    """All but the training: the run is held against itself."""
    from unittest.mock import patch

    from railyard.core.training import replay as replaying

    held_against = replaying.held_against
    with (
        patch.object(replaying.training, "fit"),
        patch.object(replaying, "held_against", lambda run, _: held_against(run, run)),
    ):
        return replaying.replay(folder, out, ["railyard", "replay"])


def sweep_tables(folder: Path, out: Path) -> object:
    from railyard.core.sweeping.folder import SweepFolder

    sweep = SweepFolder(folder)
    return [sweep.verb(), sweep.read("train"), sweep.rows()]


def read_model(folder: Path, out: Path) -> object:
    from railyard.board.model.init_folder import read_init

    return read_init(folder)


def read_pickled_model(folder: Path, out: Path) -> object:
    from railyard.board.model.init_folder import read_init

    return read_init(folder / "model.pt")


def train_on_pack(folder: Path, out: Path) -> object:
    from railyard.board.packs.pack import Pack
    from railyard.board.tokens.registry import load_labels
    from railyard.board.training.data import PackRows
    from railyard.board.training.split import Rows

    pack = Pack.open(folder)
    rows = PackRows(pack, load_labels(writers.TOKENIZER), Rows(pack.runs.starts, np.arange(len(pack.runs))))
    return rows.__getitems__(np.arange(min(64, len(rows))))


def merge(folder: Path, out: Path) -> object:
    from railyard.board.packs.merging import merge_packs

    return merge_packs(writers.PACK, folder, out / "both")


def tokenize(folder: Path, out: Path) -> object:
    from railyard.board.tokens.config import Tokenize

    return [
        Tokenize(tokenizer=path, pack=writers.PACK, out=out / f"{path.stem}.npy").run()
        for path in sorted(folder.glob("*"))
    ]


def train_with_tokenizer(folder: Path, out: Path) -> object:
    from railyard.board.tokens.registry import load_labels

    return [load_labels(path) for path in sorted(folder.glob("*"))]


def import_logs(folder: Path, out: Path) -> object:
    from railyard.board.packs.importing import import_logs

    return import_logs(folder, out / "pack", workers=1)


def import_what_can_be_read(folder: Path, out: Path) -> object:
    from railyard.board.packs.importing import import_logs

    return import_logs(folder, out / "pack", on_error="skip", workers=1)


def read_journal(folder: Path, out: Path) -> object:
    from railyard.core.runs import metrics

    rows = metrics.read(folder)
    metrics.write_csv(out, rows)
    return [metrics.last_values(rows), metrics.until(rows, 3), metrics.names(rows)]


def open_tables(folder: Path, out: Path) -> object:
    from railyard.board.game.endgame.tables import EndgameTables

    return EndgameTables.open(folder)


def decode(folder: Path, out: Path) -> object:
    from railyard.tlg8.images.decoding import decode

    return decode(folder, out / "images")


def encode(folder: Path, out: Path) -> object:
    from railyard.tlg8.codec.selectors import Staged
    from railyard.tlg8.images.encoding import encode

    return encode(folder, out / "files", Staged(n=1, m=1, entropy="plain"), compare=False)


def convert(folder: Path, out: Path) -> object:
    from railyard.stage2.scenes.converting import Options, convert

    source = next(folder / name for name in ("scenes.jsonl", "instances.json") if os.path.lexists(folder / name))
    return convert(source, folder, out / "data", Options(4096, "auto", "skip"), 1, lambda *_: None)


def train_on_scenes(folder: Path, out: Path) -> object:
    from railyard.stage2.scenes.records import lines, parse

    path = folder / "scenes.jsonl"
    return [parse(line, path, number) for number, line in lines(path)]


def look_at_images(folder: Path, out: Path) -> object:
    from railyard.core.errors import UserError
    from railyard.stage2.scenes.pictures import picture_of, size_of
    from railyard.tlg8.images.reading import read_planes

    path = next(folder.iterdir())
    try:
        return [size_of(path), picture_of(path), read_planes(path)]
    except ValueError as fault:  # a bad record of its file
        raise UserError(str(fault)) from None


def read_chat_tokenizer(folder: Path, out: Path) -> object:
    from railyard.stage2.language.tokenizer import load

    return load(folder).encode("a cat")


def compose(folder: Path, out: Path) -> object:
    """`./conf/local/default.yaml`, which is read without being named."""
    from railyard.core.config.compose import Composition

    with chdir(folder):
        return Composition("train", []).container()


# --- small good ones -----------------------------------------------------------------------------------------------


def a_run(place: Path) -> dict[str, bytes]:
    """As `railyard train` leaves it."""
    place.mkdir(parents=True)
    words = [word for word in resume_harness.TINY if "max_epochs" not in word]
    code = resume_harness.start(["train", *words, "trainer.max_steps=7", "trainer.val_check_interval=3"], place)
    folder = resume_harness.run_folder(place)
    assert code == 0, (place / "stderr.txt").read_text()
    assert folder is not None
    wanted = (".yaml", ".json", ".jsonl", ".ckpt", ".safetensors", ".md")
    return {name: data for name, data in files_in(folder).items() if name.endswith(wanted)}


def a_pack(place: Path) -> None:
    shutil.copytree(writers.PACK, place)
    durable.write_manifest(place, {})


def a_selfplay_pool(place: Path) -> dict[str, bytes]:
    from railyard.board.packs.schema import SELFPLAY

    place.mkdir(parents=True)
    rows = np.load(BOARD / "03_selfplay_v1_steps.npy")
    assert rows.dtype == SELFPLAY
    np.save(place / "steps-000001.npy", rows)
    np.save(place / "embeddings-000001.npy", np.zeros((len(rows), 4), np.float32))
    runs = Counter(rows["run_id"].tolist())
    with sqlite3.connect(place / "metadata.db") as database:
        database.execute("CREATE TABLE runs (id INTEGER PRIMARY KEY, seed, steps, max_score, highest_tile)")
        database.executemany("INSERT INTO runs VALUES (?, 1, ?, 100, 64)", runs.items())
        database.execute("CREATE TABLE session (meta_key TEXT PRIMARY KEY, meta_value TEXT)")
        database.execute("INSERT INTO session VALUES ('ts', '1700000000.5')")
    database.close()
    return files_in(place)


def a_legacy_pack() -> dict[str, bytes]:
    rows = np.zeros(5, [("board", "<u8"), ("branch_evs", "<f4", 4), ("move_dir", "u1")])
    rows["board"], rows["move_dir"] = [0x1123, 0x2211, 0x1200, 0x3321, 0x11], [0, 1, 2, 3, 0]
    return {"steps.npy": npy_of(rows)}


def npy_of(rows: np.ndarray) -> bytes:
    out = io.BytesIO()
    np.save(out, rows)
    return out.getvalue()


def a_pickled_model() -> dict[str, bytes]:
    import torch
    from safetensors.torch import load_file

    folder = BOARD / "08_encoder_binned_gqa"
    config = json.loads((folder / "config.json").read_text())
    out = io.BytesIO()
    weights = load_file(folder / "model.safetensors")
    torch.save({"model_state_dict": weights, "training_config": {"model": {"encoder_config": config}}}, out)
    return {"model.pt": out.getvalue()}


def images() -> dict[str, dict[str, bytes]]:
    """An image of each form, by its name."""
    from PIL import Image

    pixels = np.random.default_rng(1).integers(0, 256, (24, 20, 4), np.uint8)
    picture, found = Image.fromarray(pixels), {}
    for name, form, mode in (
        ("a.png", "PNG", "RGBA"),
        ("p.png", "PNG", "P"),
        ("a.jpg", "JPEG", "RGB"),
        ("a.bmp", "BMP", "RGB"),
        ("a.webp", "WEBP", "RGB"),
    ):
        out, exif = io.BytesIO(), Image.Exif()
        exif[0x0112] = 1
        rgb = picture.convert("RGB")
        converted = rgb.quantize(32) if mode == "P" else picture.convert(mode)
        converted.save(out, form, **({"exif": exif} if form in ("JPEG", "PNG", "WEBP") else {}))
        found[name] = {name: out.getvalue()}
    return {**found, "mpf.jpg": {"mpf.jpg": (FIXTURES / "images" / "phone_mpf.jpg").read_bytes()}}


def kinds(place: Path) -> list[Kind]:
    """Every artifact, made below `place`, each read once so that all readers are warm.

    With one thread: a forked child has no other threads.
    """
    import torch
    import yaml

    torch.set_num_threads(1)

    run = a_run(place / "run")
    GOOD_CONFIG.update(yaml.safe_load(run["config.yaml"]))
    GOOD_FACTS.update(json.loads(run["provenance.json"])["data"])
    writers.small_art(place / "x")
    sweep = made_by(writers.sweep_files, place / "sweep", "sweep")
    local = {"conf/local/default.yaml": b"seed: 3\ntrainer:\n  max_epochs: 2\n"}
    packed = made_by(lambda folder: a_pack(folder / "pack"), place / "pack", "pack")
    logs = {name: data for name, data in files_in(BOARD / "17_raw").items() if "/sub/" not in name}
    found = [
        Kind(
            "run folder",
            {**run, "outcome.json": sweep["0/outcome.json"]},
            (show, list_runs, compare_runs, open_in_a_notebook, check_a_notebook_run, resume, evaluate, replay),
        ),
        Kind("checkpoint", {n: d for n, d in run.items() if n.endswith(".ckpt")}, (evaluate_checkpoint,)),
        Kind("checkpoint to train from", {"a.ckpt": last_checkpoint(run)}, (continue_training,)),
        Kind("journal", {"metrics.jsonl": run["metrics.jsonl"]}, (read_journal,)),
        Kind("sweep", sweep, (sweep_tables,)),
        Kind("init folder", files_in(BOARD / "08_encoder_binned_gqa"), (show, read_model)),
        Kind("pickled weights", a_pickled_model(), (read_pickled_model,)),
        Kind("pack", packed, (show, train_on_pack, merge)),
        Kind("self-play pool", a_selfplay_pool(place / "pool"), (show,)),
        Kind("legacy pack", a_legacy_pack(), (show,)),
        Kind("tokenizers", made_by(writers.fit_tokenizers, place / "tokenizers"), (tokenize, train_with_tokenizer)),
        Kind("tokenizer", {"a.json": writers.TOKENIZER.read_bytes()}, (show_file("a.json"), tokenize)),
        Kind("raw logs", logs, (import_logs, import_what_can_be_read)),
        Kind("endgame tables", made_by(writers.build_tables, place / "tables", "tables"), (open_tables,)),
        Kind("tlg8 file", {"a.tlg8": small_tlg8(place / "encoded")}, (show_file("a.tlg8"), decode)),
        Kind("tlg8 pack", made_by(writers.extract_images, place / "blocks", "pack"), (show,)),
        Kind("scenes", made_by(writers.make_scenes, place / "scenes", "data"), (show, train_on_scenes, convert)),
        Kind("coco", coco(place), (convert,)),
        *(Kind(f"image {name}", files, (look_at_images, encode)) for name, files in images().items()),
        Kind(
            "chat tokenizer", made_by(writers.save_chat_tokenizer, place / "chat", "tokenizer"), (read_chat_tokenizer,)
        ),
        Kind("conf/local", local, (compose,)),
    ]
    for kind in found:
        _warm(kind, place / "warm")
    return found


def _warm(kind: Kind, place: Path) -> None:
    for read in kind.readers:
        shutil.rmtree(place, ignore_errors=True)
        for name in ("artifact", "out"):
            (place / name).mkdir(parents=True)
        kind.write(place / "artifact")
        with suppress(BadRecord), chdir(place / "out"):  # a form of image that one of two rails does not take
            read(place / "artifact", place / "out")


def last_checkpoint(run: dict[str, bytes]) -> bytes:
    return run[max(name for name in run if name.endswith(".ckpt"))]


def small_tlg8(place: Path) -> bytes:
    place.mkdir()
    writers.encode_images(place)
    return next((place / "out").glob("*.tlg8")).read_bytes()


def coco(place: Path) -> dict[str, bytes]:
    writers.small_coco(place / "x")
    return {"instances.json": (place / "instances.json").read_bytes(), **files_in(place / "art")}


# --- hostile folders -----------------------------------------------------------------------------------------------


def hostile(kinds: list[Kind]) -> Iterator[Trial]:
    """Every file of every kind replaced by what is no such file, and the attacks of the table below."""
    for kind in kinds:
        for name in _some_of_each_ending(kind.files):
            for what, data in _contents(name):
                yield Trial(kind, f"{name}: {what}", lambda folder, n=name, d=data: (folder / n).write_bytes(d))
            for what, place in PLACES.items():
                yield Trial(kind, f"{name}: {what}", lambda folder, n=name, p=place: _replace(folder / n, p))
    by_name = {kind.name: kind for kind in kinds}
    for name, what, spoil in ATTACKS:
        yield Trial(by_name[name], what, spoil)


def _some_of_each_ending(files: dict[str, bytes]) -> list[str]:
    """Files of one ending are read alike, but those that have names of their own."""
    first = {Path(name).suffix: name for name in sorted(files, reverse=True)}
    return sorted({*first.values(), *(name for name in files if name.endswith((".json", "config.yaml")))})


def _replace(path: Path, put: Callable[[Path], object]) -> None:
    path.unlink()
    put(path)


def _sparse(path: Path) -> None:
    with path.open("wb") as file:
        file.truncate(1 << 30)


PLACES: dict[str, Callable[[Path], object]] = {
    "a pipe": os.mkfifo,
    "a folder": Path.mkdir,
    "a link to a device": lambda path: path.symlink_to("/dev/zero"),
    "a link to nothing": lambda path: path.symlink_to("nowhere"),
    "1 GiB of zeros": _sparse,
}
DEEP = 100_000
MANY_OBJECTS = b"[" + b"{}," * 8_000_000 + b"0]"


def _contents(name: str) -> Iterator[tuple[str, bytes]]:
    yield "empty", b""
    if name.endswith((".json", ".jsonl")):
        yield "nested deeply", b"[" * DEEP
        yield "objects nested deeply", b'{"a":' * DEEP + b"1" + b"}" * DEEP
        yield "a list", b"[1, 2]"
        yield "a long number", b'{"schema_version": ' + b"9" * 5000 + b"}"
        yield "many small objects", MANY_OBJECTS
        yield "no UTF-8", b'{"a": "\xff"}'
    if name.endswith(".yaml"):
        yield "brackets nested deeply", b"[" * DEEP
        yield "dashes nested deeply", b"- " * DEEP
        yield "indents nested deeply", b"\n".join(b" " * n + b"a:" for n in range(2000))
        yield "aliases that multiply", _alias_bomb()
        yield "code", b"a: !!python/object/apply:os.system ['touch ../outside/ran']\n"
        yield "a million values", b"- a\n" * 1_000_000
        yield "text", b"text"
    if name.endswith((".npy",)):
        yield "pickled objects", npy_of(np.array([Evil()], object))
        yield "rows that are not there", _npy_header("{'descr': '<u8', 'fortran_order': False, 'shape': (10**15,), }")
        yield "rows of no size", _npy_header("{'descr': '|V0', 'fortran_order': False, 'shape': (9000000000,), }")
        yield "a deep header", _npy_header("(" * 5000)
    if name.endswith(".gz"):
        yield "1 GiB without a line end", _gzip_bomb(b"\0")
        yield "1 GiB of line ends", _gzip_bomb(b"\n")
    if name.endswith((".ckpt", ".pt")):
        yield "code in a pickle", pickle.dumps(Evil())
        yield "code in an archive", _torch_of({"state_dict": Evil()})
        yield "a zip bomb", _zip_bomb()
        yield "a huge tensor of one value", _expanded()
    if name.endswith(".safetensors"):
        yield "a header of 2^60 bytes", struct.pack("<Q", 2**60) + b"{"
        yield "many tensors", _many_tensors()
    if name.endswith(".db"):
        yield from _databases()
    if name.endswith(".png"):
        yield "60,000 x 60,000 pixels in some bytes", _png_bomb(60_000)
        yield "12,000 x 12,000 pixels in some bytes", _png_bomb(12_000)
        yield "text of 1 GiB once it is unpacked", _png_text_bomb()


class Evil:
    def __reduce__(self) -> tuple[object, ...]:
        return os.system, ("touch ../outside/ran",)


@cache
def _alias_bomb() -> bytes:
    lines = ["a0: &a0 [x, x, x, x, x, x, x, x, x, x]"]
    lines += [f"a{n}: &a{n} [{', '.join([f'*a{n - 1}'] * 10)}]" for n in range(1, 10)]
    return "\n".join(lines).encode()


def _npy_header(text: str) -> bytes:
    data = text.encode().ljust(117) + b"\n"
    return b"\x93NUMPY\1\0" + struct.pack("<H", len(data)) + data + b"\0" * 64


@cache
def _gzip_bomb(byte: bytes) -> bytes:
    packer = zlib.compressobj(9, zlib.DEFLATED, 31)
    return b"".join([*(packer.compress(byte * 2**20) for _ in range(1024)), packer.flush()])


def _torch_of(content: object) -> bytes:
    import torch

    out = io.BytesIO()
    torch.save(content, out)
    return out.getvalue()


@cache
def _zip_bomb() -> bytes:
    out = io.BytesIO()
    with zipfile.ZipFile(out, "w", zipfile.ZIP_DEFLATED) as archive, archive.open("a/data.pkl", "w") as member:
        for _ in range(1024):
            member.write(b"\0" * 2**20)
    return out.getvalue()


@cache
def _expanded() -> bytes:
    import torch

    return _torch_of({"state_dict": {"encoder.tok_emb.weight": torch.zeros(1).expand(2**36)}})


@cache
def _many_tensors() -> bytes:
    entry = '"%d":{"dtype":"F32","shape":[0],"data_offsets":[0,0]}'
    header = ("{" + ",".join(entry % n for n in range(1_000_000)) + "}").encode()
    return struct.pack("<Q", len(header)) + header


@cache
def _database(*statements: str) -> bytes:
    database = sqlite3.connect(":memory:")
    for statement in statements:
        database.execute(statement)
    database.commit()
    return bytes(database.serialize())


RUNS = "runs (id INTEGER PRIMARY KEY, seed, steps, max_score, highest_tile)"
ENDLESS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n) SELECT id, 1 seed, 1 steps, 1 max_score, "
NUMBERS = "WITH RECURSIVE n(id) AS (SELECT 1 UNION ALL SELECT id + 1 FROM n LIMIT {}) "


def _databases() -> Iterator[tuple[str, bytes]]:
    yield "a view without end", _database(f"CREATE VIEW runs AS {ENDLESS} 1 highest_tile FROM n")
    yield (
        "a computed column",
        _database(
            "CREATE TABLE runs (id, seed, steps AS (length(zeroblob(900000000))), max_score, highest_tile)",
            "INSERT INTO runs (id) VALUES (1)",
        ),
    )
    yield "a virtual table", _database("CREATE VIRTUAL TABLE runs USING rtree(id, a, b)")
    yield (
        "a million runs",
        _database(f"CREATE TABLE {RUNS}", f"INSERT INTO runs {NUMBERS.format(1_000_000)} SELECT id, 1, 1, 1, 1 FROM n"),
    )
    yield (
        "cells of 15 MiB",
        _database(
            f"CREATE TABLE {RUNS}",
            f"INSERT INTO runs {NUMBERS.format(20)} SELECT id, zeroblob(15728640), 1, 1, 1 FROM n",
        ),
    )
    yield (
        "texts where numbers belong",
        _database(f"CREATE TABLE {RUNS}", "INSERT INTO runs VALUES (1, 'x', 'y', NULL, x'00')"),
    )
    yield (
        "numbers that no row has",
        _database(
            f"CREATE TABLE {RUNS}",
            "INSERT INTO runs VALUES (1, 1, 9223372036854775807, 1, 1), (2, 1, 9223372036854775807, 1, 1)",
        ),
    )


def _png(width: int, height: int, data: bytes, *chunks: tuple[bytes, bytes]) -> bytes:
    head = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    out = b"\x89PNG\r\n\x1a\n"
    for kind, body in ((b"IHDR", head), *chunks, (b"IDAT", data), (b"IEND", b"")):
        out += struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
    return out


@cache
def _png_bomb(side: int) -> bytes:
    packer = zlib.compressobj(9)
    row = b"\0" * (1 + 3 * side)
    return _png(side, side, b"".join([*(packer.compress(row) for _ in range(min(side, 4000))), packer.flush()]))


@cache
def _png_text_bomb() -> bytes:
    text = b"a\0\0" + zlib.compress(b"\0" * 2**30, 9)
    return _png(4, 4, zlib.compress(b"\0" * 52), (b"zTXt", text))


def _edit(name: str, change: Callable[[dict], object]) -> Callable[[Path], object]:
    """Change the JSON object or the YAML mapping in a file."""

    def spoil(folder: Path) -> None:
        import yaml

        path = folder / name
        content = yaml.safe_load(path.read_bytes())
        change(content)
        path.write_text(json.dumps(content) if name.endswith(".json") else yaml.safe_dump(content))
        (folder.parent / "out" / "attack_canary.py").write_text(CANARY.format(outside=folder.parent / "outside"))

    return spoil


def _put(key: str, value: object) -> Callable[[dict], object]:
    def change(content: dict) -> None:
        *above, last = key.split(".")
        for part in above:
            if not isinstance(content.get(part), dict):
                content[part] = {}
            content = content[part]
        content[last] = value

    return change


def _both(*changes: Callable[[dict], object]) -> Callable[[dict], object]:
    return lambda content: [change(content) for change in changes]


EVIL = {"_target_": "attack_canary.Evil"}
ADMITTED = _put("allow", ["attack_canary.Evil"])
OUTSIDE = "../outside"
LOGGER, STOPPING = "lightning.pytorch.loggers.CSVLogger", "lightning.pytorch.callbacks.EarlyStopping"


def _of_config() -> Iterator[tuple[str, Callable[[dict], object]]]:
    for key in ("model", "data", "objective", "callbacks.mine", "logger.mine", "trainer.profiler", "trainer.strategy"):
        yield f"{key} is a stranger's class, admitted", _both(ADMITTED, _put(key, EVIL))
        yield f"{key} is a stranger's class", _put(key, EVIL)
        yield f"{key} is os.system", _put(key, {"_target_": "os.system", "command": f"touch {OUTSIDE}/ran"})
        yield (
            f"{key} is subprocess.Popen, admitted",
            _both(
                _put("allow", ["subprocess.Popen"]), _put(key, {"_target_": "subprocess.Popen", "args": ["touch", "x"]})
            ),
        )
    for name in ("save_dir", "log_dir", "dirpath", "root_dir"):
        yield f"a logger with {name} outside", _put("logger.csv", {"_target_": LOGGER, name: OUTSIDE, "name": "x"})
        yield (
            f"a profiler with {name} outside",
            _put("trainer.profiler", {"_target_": "lightning.pytorch.profilers.SimpleProfiler", name: OUTSIDE}),
        )
    for value in (OUTSIDE, "/dev/zero", "/etc", "\0", "x" * 5000):
        yield f"data.pack={value[:20]!r}", _put("data.pack", value)
        yield f"data.tokenizer={value[:20]!r}", _put("data.tokenizer", value)
        yield f"paths.output_dir={value[:20]!r}", _put("paths.output_dir", value)
    for key, value in (
        ("model.encoder.num_hidden_layers", 10**7),
        ("model.encoder.hidden_size", 2**40),
        ("data.batch_size", 2**62),
        ("data.workers", 10**6),
        ("trainer.devices", 10**6),
        ("trainer.max_steps", 10**30),
        ("callbacks.saver.keep", -1),
        ("allow", 3),
        ("allow", {"a": 1}),
        ("callbacks", [1]),
        ("logger", "x"),
        ("paths", None),
        ("data", None),
        ("tags", 7),
        ("model", []),
    ):
        yield f"{key}={str(value)[:20]}", _put(key, value)


def _link(name: str, target: str) -> Callable[[Path], object]:
    def spoil(folder: Path) -> None:
        path = folder / name
        path.parent.mkdir(exist_ok=True)
        path.unlink(missing_ok=True)
        path.symlink_to(target)

    return spoil


ATTACKS: tuple[tuple[str, str, Callable[[Path], object]], ...] = (
    *(("run folder", what, _edit("config.yaml", change)) for what, change in _of_config()),
    *(
        ("run folder", f"a link at {name}", _link(name, "../outside/mine"))
        for name in (".lock", "log.txt", "state.json", "metrics.jsonl", "report.md", "checkpoints/x.ckpt", ".hydra/x")
    ),
    *(
        ("run folder", f"manifest with {key}={value!r:.20}", _edit("checkpoints/manifest.json", _put(key, value)))
        for key, value in itertools.product(
            ("last", "best", "files"), ("../../outside/mine", "/etc/passwd", {"../../outside/mine": {"step": 1}}, [], 3)
        )
    ),
    *(
        (
            "run folder",
            f"experiment {value!r} in hydra.yaml",
            _edit(".hydra/hydra.yaml", _put("hydra.runtime.choices.experiment", value)),
        )
        for value in ("../../..", "/etc", ".hidden", "a/../../b", 3)
    ),
    *(
        ("init folder", f"{key}={value}", _edit("config.json", _put(key, value)))
        for key, value in (
            ("num_hidden_layers", 10**7),
            ("hidden_size", 2**40),
            ("intermediate_size", 2**40),
            ("input_vocab_size", 2**40),
            ("output_n_bins", 2**40),
            ("max_position_embeddings", 2**40),
            ("num_attention_heads", 0),
            ("num_key_value_heads", -1),
            ("layer_norm_eps", 0),
            ("hidden_size", 1.5),
        )
    ),
    *(
        (
            name,
            "a manifest that names files outside",
            _edit("manifest.json", _put("files", {"../outside/mine": {"bytes": 4, "sha256": "x"}, "/dev/zero": {}})),
        )
        for name in ("pack", "scenes", "tlg8 pack", "endgame tables")
    ),
    *(
        (
            "scenes",
            f"an image at {name!r}",
            lambda folder, n=name: (folder / "scenes.jsonl").write_text(
                json.dumps({"images": [n], "objects": [], "width": 4, "height": 4}) + "\n"
            ),
        )
        for name in ("../outside/mine", "/dev/zero", "/etc/passwd", "\0", "x" * 5000, ".")
    ),
    (
        "conf/local",
        "an admission",
        lambda folder: _local(folder, "allow: [attack_canary.Evil]\nmodel:\n  _target_: attack_canary.Evil\n"),
    ),
    ("conf/local", "a target", lambda folder: _local(folder, "model:\n  _target_: os.system\n")),
    ("conf/local", "a search path", lambda folder: _local(folder, "hydra:\n  searchpath: [file:///]\n")),
    ("conf/local", "launcher setup", lambda folder: _local(folder, "hydra:\n  launcher:\n    setup: [touch x]\n")),
    ("conf/local", "defaults", lambda folder: _local(folder, "defaults:\n  - /model: null\n")),
    ("conf/local", "a resolver of the environment", lambda folder: _local(folder, "task_name: ${oc.env:HOME}\n")),
)


def _local(folder: Path, text: str) -> None:
    (folder / "conf" / "local" / "default.yaml").write_text(text)
    (folder / "attack_canary.py").write_text(CANARY.format(outside=folder.parent / "outside"))
