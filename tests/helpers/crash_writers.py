"""The table of everything that writes, for the crash proofs. A new writer joins by one line in `WRITERS`:

    Writer("name", "modules.it covers", write, check[, before][, ends=…])

`write(folder)` is the writer's own call with small data; after a kill the same call has to end with the same bytes, or
with what `ends(folder)` reads where bytes cannot be equal. `check` is `whole` (one file or folder), `each_file` (some
files, one by one) or a function of a `Left` that calls the reader of the artifact. A writer of records calls
`acknowledge(count)` when its first `count` records are promised. Modules that write only through a writer of the table
stand in `ELSEWHERE` with the reason. Imports of heavy modules stand inside the functions.
"""

import functools
import json
from contextlib import chdir
from pathlib import Path
from typing import Any

import numpy as np
from crash_harness import Left, Outcome, Trials, Writer, acknowledge, each_file, whole

from railyard.core.runs import metrics
from railyard.core.runs.folder import claim, write_config
from railyard.core.runs.provenance import provenance
from railyard.core.store import durable, journal

FIXTURES = Path(__file__).resolve().parents[1] / "fixtures" / "board"
PACK, TOKENIZER = FIXTURES / "03_pack", FIXTURES / "04_tokenizer_v2_8.json"
OLD, NEW = b"old" * 5000, b"new!" * 7000
SEED = 4
SEARCHED = ("run/config.json", "run/splits/split.json", "run/dataset/bits.all.npy")
WHEN = ("timestamp", "seconds", "git_commit")  # of a record: others in each call
SEARCH_MODULES = "tlg8.training.search tlg8.training.trial"
RECORDS = [{"step": step, "padding": "x" * (500 * (step % 3))} for step in range(6)]


def cache_rows(folder: Path) -> None:
    """As `railyard filters` does: a valid cache is left as it is."""
    _cache(folder, "new", 500)


def cache_other_rows(folder: Path) -> None:
    _cache(folder, "old", 400)


def _cache(folder: Path, validity: str, count: int) -> None:
    from railyard.board.training.filters import cache

    rows, hashed = np.arange(count, dtype=np.uint32), {"filter": {}, "manifest_sha256": ""}
    facts = {"dataset": "", "annotation": "", "pack_rows": 600, "first": 0, "last": count - 1, "coverage": 0.5}
    with cache.writing(folder):
        if cache.read(folder, "errors", validity).rows is None:
            cache.write(folder, "errors", rows, {"validity": validity, "count": count, **hashed, **facts})


def a_cache_is_whole(left: Left) -> str:
    """Read as either of its two states it is that, or none at all."""
    from railyard.board.training.filters import cache

    for validity, count in (("old", 400), ("new", 500)):
        rows = cache.read(left.folder, "errors", validity).rows
        if rows is not None and rows.tolist() != [*range(count)]:
            return f"{len(rows)} rows are read as those of the {validity} filter"
    return ""


def write_file(folder: Path) -> None:
    durable.write_bytes(folder / "x", NEW)


def old_file(folder: Path) -> None:
    durable.write_bytes(folder / "x", OLD)


def write_folder(folder: Path) -> None:
    with durable.atomic_folder(folder / "f") as new:
        (new / "a").write_bytes(NEW)
        (new / "deep").mkdir()
        durable.write_bytes(new / "deep" / "b", NEW)


def old_folder(folder: Path) -> None:
    with durable.atomic_folder(folder / "f") as new:
        (new / "a").write_bytes(OLD)
        (new / "only_old").write_bytes(OLD)


def old_ranker(folder: Path) -> None:
    _write_ranker(folder, 1)


def write_ranker(folder: Path) -> None:
    _write_ranker(folder, 2)


def _write_ranker(folder: Path, seed: int) -> None:
    from rankers import facts_of, small_network

    from railyard.tlg8.ranking.bundle import write_bundle

    network = small_network(20, seed=seed)
    write_bundle(folder / "bundle", facts_of(network), network)


def promote_ranker(folder: Path) -> None:
    from railyard.tlg8.training.promote import promote

    with chdir(folder):
        if not Path("run").exists():
            promote(Path("bundle"), Path("run"))


def promoted_is_whole(left: Left) -> str:
    """The run is there with all its files, or not at all."""
    made = {name for name in left.now if name.startswith("run/")}
    wanted = {name for name in left.new if name.startswith("run/")}
    return "" if made in (set(), wanted) else f"a part of the run is missing: {', '.join(sorted(wanted - made))}"


def blocks_to_search(folder: Path) -> None:
    """A pack of 144 blocks, outside of what is compared."""
    from rankers import small_pack as pack_of_blocks

    if not (folder.parent / "blocks").exists():
        pack_of_blocks(folder.parent / "blocks")


def search_trials(folder: Path) -> None:
    """Two trials of one epoch; data set, split, bundles, journal and best.json are made on the way."""
    from railyard.tlg8.training.search import search
    from railyard.tlg8.training.search_config import Search

    knobs = {"trials": 2, "batch_size": 32, "max_epochs": 1, "device": "cpu"}
    search(Search(pack=folder.parent / "blocks" / "pack", run_id="run", root=folder, **knobs))


def no_trial_is_lost(left: Left) -> str:
    """Trials are noted in their order, each with a bundle that is whole; best.json speaks of noted ones alone."""
    run = left.folder / "run"
    noted = journal.read(run / "progress.jsonl") if (run / "progress.jsonl").is_file() else []
    trials = [record for record in noted if "trial_id" in record]
    for trial in trials:
        durable.check_manifest(run / trial["bundle"])
    best = json.loads((run / "best.json").read_text())["best"] if (run / "best.json").is_file() else None
    ids = [trial["trial_id"] for trial in trials]
    if ids != [*range(len(ids))]:
        return f"trials are {ids}"
    if best is not None and best["trial_id"] not in ids:
        return f"best.json speaks of trial {best['trial_id']}, which is not noted"
    different = [name for name in SEARCHED if name in left.now and left.now[name] != left.new[name]]
    return f"differs: {', '.join(different)}" if different else ""


def searched(folder: Path) -> dict[str, Any]:
    """What the trials reached, without times, the commit and the folder's own name."""
    run = folder / "run"
    records = journal.read(run / "progress.jsonl")
    for record in records:
        record.get("dataset", {}).pop("dataset", None)
    timeless = [{key: each[key] for key in each if key not in WHEN} for each in records]
    weights = [path.read_bytes() for path in sorted(run.glob("artifacts/*/init/weights.safetensors"))]
    best, same = (run / "best.json").read_text(), {name: (folder / name).read_bytes() for name in SEARCHED}
    return {"records": timeless, "weights": weights, "best": best, **same}


def write_with_manifest(folder: Path) -> None:
    durable.write_bytes(folder / "a", NEW)
    (folder / "b").write_bytes(NEW)
    durable.write_manifest(folder, {"made_by": "test"})


def manifest_commits(left: Left) -> str:
    """Files without a manifest are nobody's; with one, they are what it says."""
    if durable.MANIFEST not in left.now:
        return ""
    durable.check_manifest(left.folder)
    return whole(left)


def append_records(folder: Path) -> None:
    with journal.Journal(folder / "j") as lines:
        for count in range(len(journal.read(folder / "j")), len(RECORDS)):
            lines.append(RECORDS[count])
            acknowledge(count + 1)


def records_are_kept(left: Left) -> str:
    path = left.folder / "j"
    kept = journal.read(path) if path.exists() else []
    if kept != RECORDS[: len(kept)]:
        return "records are torn or out of order"
    return f"{left.acknowledged - len(kept)} acknowledged records are lost" if len(kept) < left.acknowledged else ""


def promise_early(folder: Path) -> None:
    acknowledge(1)
    append_records(folder)


def append_again(folder: Path) -> None:
    with journal.Journal(folder / "j") as lines:
        lines.append(RECORDS[0])


def leave_behind(folder: Path) -> None:
    """A file by hand, whose temporary one nobody clears away."""
    temporary = durable._sibling(folder / "x", "tmp")
    temporary.write_bytes(NEW)
    temporary.replace(folder / "x")


def cut_records(folder: Path) -> None:
    journal.cut(folder / "j", lambda record: record["step"] < 4)


def write_stream(folder: Path) -> None:
    """Two families in lockstep, each addition acknowledged as soon as it is committed."""
    from railyard.core.making.streams import open_stream

    folder.joinpath("work").mkdir(exist_ok=True)
    with open_stream(folder / "work", {"rows": np.dtype("<i8"), "halves": np.dtype("<f2")}, 1500) as stream:
        for start in range(stream.rows, 4000, 700):
            rows = np.arange(start, min(start + 700, 4000))
            stream.add({"from": start}, {"rows": rows, "halves": rows.astype("<f2")})
            stream.commit()
            acknowledge(len(stream.records))
        stream.finish()


def no_addition_is_lost(left: Left) -> str:
    path = left.folder / "work" / "journal.jsonl"
    noted = journal.read(path) if path.exists() else []
    sizes = {stem: _bytes_in(left.folder, stem) for stem in ("rows", "halves")}
    rows = sum(record["rows"] for record in noted)
    if sizes["rows"] < 8 * rows or sizes["halves"] < 2 * rows:
        return f"{rows} rows are noted, {sizes} bytes are there"
    return f"{left.acknowledged} additions, {len(noted)} are noted" if len(noted) < left.acknowledged else ""


def _bytes_in(folder: Path, stem: str) -> int:
    """Bytes of a family's shards without their headers of 128 bytes."""
    return sum(max(0, path.stat().st_size - 128) for path in folder.glob(f"work/data/{stem}-*.npy"))


def write_run_files(folder: Path) -> None:
    """What a run leaves beside its checkpoints; everything but the clock is that of a training run."""
    from railyard.core.training.callbacks import report

    run = folder / "experiment" / "run"
    claim(run)
    write_config(run, {"seed": 1, "data": {"pack": "p"}, "trainer": {"max_steps": 9}})
    durable.write_json(run / "provenance.json", _provenance())
    metrics.write_csv(run, [{"step": step, "epoch": 0, "train/loss": 1 / step} for step in range(1, 5)])
    with chdir(folder):  # the report names its run as seen from here
        report.write(Path("experiment/run"), True, report.Written(9, {}, "trainer.max_steps=18", {}))


def old_run_files(folder: Path) -> None:
    run = folder / "experiment" / "run"
    run.mkdir(parents=True)
    (run / "metrics.csv").write_bytes(OLD)
    (run / "report.md").write_bytes(OLD)
    with journal.Journal(run / "metrics.jsonl") as lines:
        for step in range(1, 5):
            lines.append({"step": step, "epoch": 0, "train/loss": 1 / step})


@functools.cache
def _provenance() -> dict[str, object]:
    return provenance(["railyard", "train"], 1)


def save_checkpoints(folder: Path) -> None:
    """As a run saves: two newest and the best are kept; after a kill it goes on from the newest good one."""
    import torch

    from railyard.core.training.checkpoint import CheckpointFolder, DurableIO

    durable.remove_leftovers(folder)
    checkpoints, done = CheckpointFolder(folder), 0
    if checkpoints.content["files"]:
        newest = checkpoints.newest_good()
        checkpoints.go_back_to(newest)
        done = checkpoints.content["files"][newest.name]["step"]
    for step in range(done + 1, 6):
        path = checkpoints.path_for(step)
        weights = {"weight": torch.full((700,), float(step))}
        DurableIO().save_checkpoint({"state_dict": weights, "global_step": step}, path)
        checkpoints.commit(path, step, keep=2, best_value=1 / step if step < 3 else None)
        acknowledge(step)


def a_checkpoint_is_good(left: Left) -> str:
    from railyard.core.training.checkpoint import CheckpointFolder, load

    checkpoints = CheckpointFolder(left.folder)
    if not checkpoints.content["files"]:
        return "all checkpoints are lost" if left.acknowledged else ""
    newest, best = checkpoints.newest_good(), checkpoints.best()
    step = load(newest)["global_step"]
    if best is None or load(best)["global_step"] != min(step, 2):
        return f"after step {step} the best checkpoint is {best}"
    return "" if step >= left.acknowledged else f"step {left.acknowledged} was saved, {newest.name} is the newest"


def write_init_folder(folder: Path) -> None:
    from railyard.board.model.init_folder import read_init, write_init

    write_init(folder / "init", *read_init(FIXTURES / "08_encoder_binned_gqa"))


def old_init_folder(folder: Path) -> None:
    from railyard.board.model.init_folder import read_init, write_init

    write_init(folder / "init", *read_init(FIXTURES / "08_encoder_action_policy"))


def import_pack(folder: Path) -> None:
    """Three games, one of them bad, each noted in the work folder's journal as soon as it is done."""
    from railyard.board.packs.importing import import_logs
    from railyard.core.making import streams

    streams.COMMIT_SECONDS = 0.0
    logs, out = FIXTURES / "17_raw" / "left", folder / "pack"
    import_logs(logs, out, shard_rows=3, on_error="skip", workers=1, progress=lambda done, _: acknowledge(done))


def no_game_is_lost(left: Left) -> str:
    if (left.folder / "pack").exists():
        durable.check_manifest(left.folder / "pack")
        different = [name for name, data in left.new.items() if left.now.get(name) != data]
        return f"differs: {', '.join(different)}" if different else ""
    noted = [record for path in left.folder.glob(".pack.partial/*/journal.jsonl") for record in journal.read(path)]
    return f"{left.acknowledged} games were done, {len(noted)} are noted" if len(noted) < left.acknowledged else ""


def merge(folder: Path) -> None:
    from railyard.board.packs.merging import merge_packs

    merge_packs(PACK, FIXTURES / "17_pack_left", folder / "both", shard_rows=150)


def teach_games(folder: Path) -> None:
    """Four short games in two parts, the second of which puts them together."""
    from railyard.board.game.endgame.tables import EndgameTables
    from railyard.board.teaching.teach import TeachPlan, teach
    from railyard.core.making import streams
    from railyard.core.making.parts import Part

    streams.COMMIT_SECONDS = 0.0
    plan = TeachPlan(games=4, depth=1, max_moves=25, shard_rows=40)
    for index in range(2):
        teach(folder / "pack", plan, EndgameTables.none(), part=Part(index, 2))


def relabel_pack(folder: Path) -> None:
    from railyard.board.game.endgame.tables import EndgameTables
    from railyard.board.teaching import relabel as relabeling
    from railyard.core.making import streams

    streams.COMMIT_SECONDS, relabeling.CHUNK = 0.0, 1
    keys = {"shard_rows": 3, "progress": lambda done, _: acknowledge(done)}
    relabeling.relabel(FIXTURES / "17_pack_left", folder / "pack", 1, EndgameTables.none(), **keys)


def the_pack_is_whole(left: Left) -> str:
    """Parts are packs of their own beside it until all are there."""
    from railyard.board.packs.pack import Pack

    if not (left.folder / "pack").exists():
        return ""
    durable.check_manifest(left.folder / "pack")
    Pack.open(left.folder / "pack")
    different = [name for name, data in left.new.items() if left.now.get(name) != data]
    return f"differs: {', '.join(different)}" if different else ""


def build_tables(folder: Path) -> None:
    from railyard.board.game.endgame import tables

    tables.patterns = lambda _: small_patterns()
    tables.build(folder / "tables", "tiny")


def small_patterns() -> tuple[object, ...]:
    """Two tables that are solved in no time."""
    from railyard.board.game.endgame.patterns import Pattern

    walls = tuple(range(9))
    caps = dict.fromkeys(range(9, 16), 2)
    return tuple(Pattern(name, walls, (8,), 3, (9,), (), caps) for name in ("table11", "table10"))


def the_tables_are_whole(left: Left) -> str:
    if not (left.folder / "tables").exists():
        return ""
    durable.check_manifest(left.folder / "tables")
    return ""


def fit_tokenizers(folder: Path) -> None:
    from railyard.board.tokens.config import FitTokenizer

    for kind in ("moves", "ev_bins"):
        FitTokenizer(pack=PACK, out=folder / f"{kind}.json", kind=kind, bins=4).run()


def tokenize(folder: Path) -> None:
    from railyard.board.tokens.config import Tokenize

    Tokenize(tokenizer=TOKENIZER, pack=PACK, out=folder / "tokens.npy").run()


def evaluation_report(folder: Path) -> None:
    from railyard.board.training import evaluation_report
    from railyard.board.training.config import PackData
    from railyard.board.training.evaluation import Evaluation

    figures = {"teacher_agreement": 0.5, "loss": 1.5}
    groups = {"search": {"rows": 3.0, **figures}, "tuple10": {"rows": 4.0, **figures}}
    result = Evaluation(7, 2, figures, groups, groups)
    evaluation_report.write(folder, result, Path("init"), PackData(pack=Path("pack")), "validation")


def show(folder: Path) -> None:
    from railyard.apps.show import Show

    for path, out in ((TOKENIZER, "tokenizer"), (PACK, "pack.json")):
        Show.read_as({})(path=path, out=folder / out).perform(None)


def sweep_grid(folder: Path) -> None:
    from railyard.core.sweeping.grid import Grid

    Grid().build(["seed=1,2,3", "model.lr=0.1,0.2"], folder / "sweep", ())


def sweep_files(folder: Path) -> None:
    """As a sweep of three jobs leaves them; a job that ended is not run again."""
    from railyard.core.sweeping.folder import SweepFolder
    from railyard.core.sweeping.trial import Outcome, Trial

    place = folder / "sweep"
    place.mkdir(exist_ok=True)
    trials = [Trial(number, (f"seed={number}",)) for number in range(3)]
    SweepFolder(place).write("train", ["seed=0,1,2"], [{"seed": 0}])
    SweepFolder(place).write_trials(trials)
    for trial in trials:
        SweepFolder(place).job(trial.number).mkdir(exist_ok=True)
        if SweepFolder(place).outcome(trial.number) is None:
            SweepFolder(place).write_outcome(trial, Outcome(trial.number, "complete", {"val/loss": 0.5 + trial.number}))
        acknowledge(trial.number + 1)
        SweepFolder(place).write_tables()


def no_outcome_is_lost(left: Left) -> str:
    from railyard.core.sweeping.folder import SweepFolder

    place = left.folder / "sweep"
    ended = [number for number in range(3) if SweepFolder(place).outcome(number)]
    if SweepFolder(place).is_sweep() and SweepFolder(place).read("train")["words"] != ["seed=0,1,2"]:
        return "sweep.json is not what was written"
    if [number for number, _ in SweepFolder(place).trials()] not in ([], [0, 1, 2]):
        return "trials.json is not what was written"
    if (place / "table.csv").exists() and len((place / "table.csv").read_text().splitlines()) != 4:
        return "table.csv is torn"
    return f"{left.acknowledged} jobs ended, {len(ended)} are kept" if len(ended) < left.acknowledged else ""


def index_runs(folder: Path) -> None:
    """Nine records, written three at a time."""
    from railyard.core.runs.catalog import index
    from railyard.core.runs.catalog.record import Record

    index.BATCH = 3
    stamps = {str(number): f"stamp {number}" for number in range(9)}
    with index.opened(folder) as opened:
        opened.refresh(
            stamps, lambda path: (Record(path, path), {"seed": int(path)}), lambda done, _: acknowledge(done)
        )


def indexed(folder: Path) -> dict[str, int]:
    """Seeds by path, as the index gives them."""
    from railyard.core.runs.catalog import index

    with index.opened(folder) as opened:
        return {row["path"]: row["seed"] for row in opened.rows(["seed"])}


def no_record_is_lost(left: Left) -> str:
    found = indexed(left.folder)
    wrong = [path for path, seed in found.items() if seed != int(path)]
    return f"{left.acknowledged} records, {len(found)} are kept" if wrong or len(found) < left.acknowledged else ""


def compare_runs(folder: Path) -> None:
    from railyard.core.runs.catalog import compare

    with chdir(folder):  # the comparison names its runs as they were given
        folders = [Path("a"), Path("b")]
        compare.save(compare.compare(folders), folders, Path("out"))


def two_runs(folder: Path) -> None:
    for seed, name in enumerate(("a", "b")):
        (folder / name).mkdir()
        write_config(folder / name, {"seed": seed})
        with journal.Journal(folder / name / "metrics.jsonl") as lines:
            for step in range(1, 5):
                lines.append({"step": step, "epoch": 0, "train/loss": seed + 1 / step})


def sweep_report(folder: Path) -> None:
    from sweeps import LOSS, SPACE

    from railyard.core.sweeping import report

    with chdir(folder):  # the report names its sweep as seen from here
        report.write(Path("sweep"), SPACE, (LOSS,))


def sweep_that_ended(folder: Path) -> None:
    from sweeps import sweep

    from railyard.core.sweeping.folder import SweepFolder

    place, tried = folder / "sweep", sweep(8)
    SweepFolder(place).write("train", ["a=1"], [])
    SweepFolder(place).write_trials([trial for trial, _ in tried])
    for trial, outcome in tried:
        SweepFolder(place).job(trial.number).mkdir()
        SweepFolder(place).write_outcome(trial, outcome)


def small_art(folder: Path) -> None:
    """Two images, outside of what is compared."""
    from tlg8 import noise, save

    art = folder.parent / "art"
    if not art.exists():
        for seed, name in enumerate(("a.png", "b.png")):
            save(art / name, noise(np.random.default_rng(seed), 3, 12, 16))


def extract_images(folder: Path) -> None:
    """Two images in four pieces and two parts, the second of which puts them together."""
    from railyard.core.making.parts import Part
    from railyard.tlg8.artifacts import pieces
    from railyard.tlg8.artifacts.extraction import extract

    pieces.PIECE_BLOCKS = 2
    for index in range(2):
        extract(folder.parent / "art", folder / "pack", workers=1, part=Part(index, 2))


def the_artifacts_are_whole(left: Left) -> str:
    """Pieces lie beside the pack until all are there."""
    if not (left.folder / "pack").exists():
        return ""
    durable.check_manifest(left.folder / "pack")
    different = [name for name, data in left.new.items() if left.now.get(name) != data]
    return f"differs: {', '.join(different)}" if different else ""


def small_pack(folder: Path) -> None:
    """A pack of two images, outside of what is compared."""
    from railyard.tlg8.artifacts.extraction import extract

    small_art(folder)
    if not (folder.parent / "pack").exists():
        extract(folder.parent / "art", folder.parent / "pack", workers=1)


def make_data_set(folder: Path) -> None:
    """Every part of a data set, in three stretches."""
    from railyard.tlg8.features import stretches
    from railyard.tlg8.features.building import build
    from railyard.tlg8.features.config import Features

    stretches.STRETCH = 3
    features = Features(columns=["reorder_tv_mean", "bins(reorder_tv[0], 2)"])
    build([folder.parent / "pack"], folder, features, fraction=0.5, with_ungated=True)


def parts_are_whole(left: Left) -> str:
    """A part that has its place is as its manifest says; the split is the last word on it."""
    for manifest in (left.folder / "dataset").glob("[!.]*/manifest.json"):
        durable.check_manifest(manifest.parent)
    if not any(name.endswith("split.json") for name in left.now):
        return ""
    different = [name for name in left.now if not name.startswith("dataset/.") and left.new.get(name) != left.now[name]]
    return f"differs: {', '.join(different)}" if different else ""


def encode_images(folder: Path) -> None:
    from railyard.tlg8.codec.selectors import Staged
    from railyard.tlg8.images.encoding import encode

    encode(folder.parent / "art", folder / "out", Staged(n=1, m=1, entropy="plain"), compare=False)


def decode_files(folder: Path) -> None:
    from railyard.tlg8.images.decoding import decode

    decode(FIXTURES.parent / "tlg8" / "bg_lecturehall.plain.tlg8", folder / "out")


def images_of(folder: Path) -> dict[str, bytes]:
    """The files beside the ledger, which notes how long they took."""
    return {
        path.name: path.read_bytes()
        for path in (folder / "out").iterdir()
        if path.name not in (".lock", "ledger.jsonl")
    }


def images_are_whole(left: Left) -> str:
    wrong = [name for name, data in left.now.items() if name.endswith((".tlg8", ".png")) and data != left.new.get(name)]
    return f"differs: {', '.join(wrong)}" if wrong else ""


def make_scenes(folder: Path) -> None:
    """Five scenes in three pieces, each acknowledged as soon as it is done."""
    from railyard.stage2.scenes import building
    from railyard.stage2.scenes.generating import Recipe, generate
    from railyard.stage2.scenes.painting import Layout

    building.PIECE = 2
    recipe = Recipe("shapes", 1, Layout(64, 64, 0, 1))
    generate(recipe, 5, folder / "data", 1, lambda done, total, before: acknowledge(done))


def convert_scenes(folder: Path) -> None:
    """Three records in two pieces."""
    from railyard.stage2.scenes import building
    from railyard.stage2.scenes.converting import Options, convert

    building.PIECE = 2
    source, images, options = folder.parent / "instances.json", folder.parent / "art", Options(4096, "auto", "stop")
    convert(source, images, folder / "data", options, 1, lambda done, total, before: acknowledge(done))


def small_coco(folder: Path) -> None:
    """Annotations of three images, outside of what is compared."""
    small_art(folder)
    names = ("a.png", "b.png", "a.png")
    images = [{"id": number, "file_name": name, "width": 16, "height": 12} for number, name in enumerate(names)]
    objects = [{"image_id": number, "category_id": 1, "bbox": [1, 2, 3, 4]} for number in range(3)]
    content = {"images": images, "annotations": objects, "categories": [{"id": 1, "name": "cat"}]}
    (folder.parent / "instances.json").write_text(json.dumps(content))


def no_scene_is_lost(left: Left) -> str:
    if (left.folder / "data").exists():
        durable.check_manifest(left.folder / "data")
        different = [name for name, data in left.new.items() if left.now.get(name) != data]
        return f"differs: {', '.join(different)}" if different else ""
    kept = 2 * len(list(left.folder.glob(".data.partial/*/pieces/0*")))
    return f"{left.acknowledged} scenes were done, at most {kept} are noted" if kept < left.acknowledged else ""


def draw_scenes(folder: Path) -> None:
    from railyard.apps.show import Show

    path = folder.parent / "scenes.jsonl"
    with chdir(folder.parent):  # the facts name the file as seen from here
        Show.read_as({})(path=Path(path.name), out=folder / "drawn").perform(None)


def one_scene(folder: Path) -> None:
    """A record, outside of what is compared."""
    small_art(folder)
    record = {"images": ["art/a.png"], "objects": [{"desc": "cat", "bbox_2d": [1, 2, 3, 4]}], "width": 16, "height": 12}
    (folder.parent / "scenes.jsonl").write_text(json.dumps(record))


def save_chat_tokenizer(folder: Path) -> None:
    """A folder that stands there already is refused, so one that is finished is left."""
    from tokenizers import Tokenizer, models

    from railyard.stage2.language.tokenizer import save

    words = Tokenizer(models.WordLevel({"cat": 0, "dog": 1}, unk_token="cat"))
    if not (folder / "tokenizer").exists():
        save(words, folder / "tokenizer", "{{ messages }}")


def merge_two_pools(folder: Path) -> None:
    from railyard.board.packs.merging_pools import merge_pools

    merge_pools(folder.parent / "left", folder.parent / "left", folder / "both", shard_rows=3)


def small_pool(folder: Path) -> None:
    """A pool of two runs, outside of what is compared."""
    from railyard.board.packs.metadata import Run, runs_writer
    from railyard.board.packs.schema import SELFPLAY

    left = folder.parent / "left"
    if not left.exists():
        left.mkdir()
        np.save(left / "steps-000001.npy", np.zeros(5, SELFPLAY))
        with runs_writer(left / "metadata.db") as runs:
            runs.add(Run(0, 1, 5, 10, 4))


def record_play(folder: Path, places: int = 2, groups: int = 1) -> None:
    """A run folder and a pool: six games, of which two end without a move, in shards of 40 rows."""
    from policies import hashed

    from railyard.board.game.games import END_REASONS, NO_MOVE_CHOSEN
    from railyard.board.game.play import Play, Table
    from railyard.board.game.players import PolicyPlayer
    from railyard.board.game.strategy import Argmax
    from railyard.board.packs import recording
    from railyard.board.playing.games_file import games_file
    from railyard.core.making import streams

    recording.BATCH_ROWS, streams.COMMIT_SECONDS = 1, 0.0
    player = PolicyPlayer(hashed, Argmax(), 16)
    folder.joinpath("run").mkdir(exist_ok=True)
    with games_file(folder / "run") as file, recording.recording(folder / "pool", {"kind": "selfplay"}, 3, 40) as pool:
        first = file.next if pool is None else min(file.next, pool.next)
        for games in Play(player, Table(6, places=places, groups=groups, max_moves=30, first=first)):
            told = [game._replace(ended=NO_MOVE_CHOSEN) if game.number in (1, 4) else game for game in games]
            file.add(told)
            if pool:
                pool.add(told)
        assert END_REASONS[NO_MOVE_CHOSEN] in file.results.ended
        if pool:
            pool.publish(file.runs)


def the_pool_is_whole(left: Left) -> str:
    """Both pools are complete where they stand, and so is each line of games.jsonl."""
    path = left.folder / "run" / "games.jsonl"
    games = [line["game_id"] for line in journal.read(path)] if path.exists() else []
    if games != [*range(len(games))]:
        return "games are torn or out of order"
    for pool in ("pool", "pool.unfinished"):
        if (left.folder / pool).exists():
            durable.check_manifest(left.folder / pool)
    names = [name for name in left.new if name.startswith("pool") and (left.folder / name.partition("/")[0]).exists()]
    different = [name for name in names if left.now.get(name) != left.new[name]]
    return f"differs: {', '.join(different)}" if different else ""


def annotate_pool(folder: Path) -> None:
    """Ten rows in shards of four, batches of 64, by two parts; the second one completes the session."""
    from datetime import UTC, datetime

    from annotators import annotate

    from railyard.board.annotation import output, report, sessions

    class Clock(datetime):
        @classmethod
        def now(cls, tz: object = None) -> datetime:
            return datetime(2026, 11, 29, tzinfo=UTC)

    output.COMMIT_SECONDS, sessions.datetime, report.plots.available = 0.0, Clock, lambda: False
    for index in range(2):
        annotate(FIXTURES / "17_pack_left", folder, part=f"{index}/2", shard_rows=2)


def the_session_is_whole(left: Left) -> str:
    """Once the manifest stands, every shard is as it says."""
    from railyard.board.packs.annotation_session import AnnotationSession

    for manifest in left.folder.glob("*/model=fake/*/annotation_manifest.json"):
        if damaged := AnnotationSession.open(manifest.parent).damage():
            return damaged[0]
    return ""


def session_of(folder: Path) -> dict[str, object]:
    """What has to be equal in the end: shards, columns, schema.json, and the rows of the databases."""
    import sqlite3
    from contextlib import closing

    from annotators import digests

    (session,) = folder.glob("*/model=fake/*Z")
    with closing(sqlite3.connect(session / "metadata.db")) as database:
        tables = {name: database.execute(f"SELECT * FROM {name}").fetchall() for name in ("runs", "annotation_stats")}
    texts = {name: (session / name).read_text() for name in ("annotation_manifest.json", "report.md")}
    return {**digests(session), **tables, **texts}


RUN_MODULES = (
    "core.runs.folder core.runs.run_state core.store.lock core.training.fit "
    "core.runs.metrics core.runs.plots core.training.callbacks.report"
)
IMPORT_MODULES = (
    "board.packs.importing board.packs.metadata board.packs.valuations core.making.work_folder core.making.outputs"
)
WRITERS = (
    Writer("file", "core.store.durable", write_file, whole, old_file),
    Writer("folder", "core.store.durable", write_folder, whole, old_folder),
    Writer("manifest", "core.store.durable", write_with_manifest, manifest_commits),
    Writer("journal", "core.store.journal", append_records, records_are_kept),
    Writer("journal cut", "core.store.journal core.training.callbacks.exact", cut_records, whole, append_records),
    Writer("stream", "core.store.shards core.making.streams", write_stream, no_addition_is_lost),
    Writer("sweep grid", "core.sweeping.grid", sweep_grid, whole),
    Writer("sweep", "core.sweeping.folder", sweep_files, no_outcome_is_lost),
    Writer("sweep report", "core.sweeping.report", sweep_report, each_file, sweep_that_ended),
    Writer("index of runs", "core.runs.catalog.index", index_runs, no_record_is_lost, ends=indexed),
    Writer("comparison of runs", "core.runs.catalog.compare", compare_runs, each_file, two_runs),
    Writer("run files", RUN_MODULES, write_run_files, each_file, old_run_files),
    Writer("checkpoints", "core.training.checkpoint", save_checkpoints, a_checkpoint_is_good),
    Writer("init folder", "board.model.init_folder", write_init_folder, whole, old_init_folder),
    Writer("pack import", IMPORT_MODULES, import_pack, no_game_is_lost),
    Writer("teach", "board.teaching.teach board.teaching.decisions core.making.parts", teach_games, the_pack_is_whole),
    Writer("relabel", "board.teaching.relabel", relabel_pack, no_game_is_lost),
    Writer("play", "board.packs.recording board.playing.games_file", record_play, the_pool_is_whole),
    Writer(
        "annotate",
        "board.annotation.output board.annotation.sessions board.annotation.finishing board.annotation.job "
        "board.annotation.report",
        annotate_pool,
        the_session_is_whole,
        ends=session_of,
    ),
    Writer("endgame tables", "board.game.endgame.tables", build_tables, the_tables_are_whole),
    Writer("merge", "board.packs.merging", merge, whole),
    Writer("merge of pools", "board.packs.merging_pools", merge_two_pools, whole, small_pool),
    Writer("tokenizers", "board.tokens.tokenizer", fit_tokenizers, each_file),
    Writer("tokens", "board.tokens.tokenizer", tokenize, whole),
    Writer("filter cache", "board.training.filters.cache", cache_rows, a_cache_is_whole, cache_other_rows),
    Writer("bundle", "tlg8.ranking.bundle", write_ranker, whole, old_ranker),
    Writer("search", SEARCH_MODULES, search_trials, no_trial_is_lost, blocks_to_search, ends=searched),
    Writer("promote", "tlg8.training.promote", promote_ranker, promoted_is_whole, old_ranker),
    Writer("evaluation report", "board.training.evaluation_report", evaluation_report, each_file),
    Writer("show", "apps.show", show, each_file),
    Writer(
        "extract",
        "tlg8.artifacts.assembly core.making.pieces core.making.parts",
        extract_images,
        the_artifacts_are_whole,
        small_art,
    ),
    Writer("data set", "tlg8.features.parts tlg8.artifacts.splits", make_data_set, parts_are_whole, small_pack),
    Writer("encode", "tlg8.images.encoding", encode_images, images_are_whole, small_art, ends=images_of),
    Writer("scenes", "stage2.scenes.building stage2.scenes.generating", make_scenes, no_scene_is_lost),
    Writer("drawn scenes", "stage2.scenes.drawing", draw_scenes, each_file, one_scene),
    Writer("chat tokenizer", "stage2.language.tokenizer", save_chat_tokenizer, whole),
    Writer("convert", "stage2.scenes.converting", convert_scenes, no_scene_is_lost, small_coco),
    Writer("decode", "tlg8.images.decoding core.making.ledger", decode_files, images_are_whole, ends=images_of),
)
ELSEWHERE = {
    "core.training.callbacks.throughput": "appends to a journal, as 'journal' does; what is lost is a timing",
    "core.sweeping.sweep_call": "writes a token, as 'file' does; every call on a sweep has its own",
    "core.sweeping.optuna_search": "marks its study, as 'file' does; its trials are SQLite's, see the proof `sweep`",
    "core.training.trackers": "notes the run that MLflow gave, as 'file' does",
    "core.runs.run_state": "writes state.json, as 'file' does; it names the time, so no two have the same bytes",
    "core.store.reading": "opens databases that it only reads",
    "stage2.evaluation.overlays": "writes pictures of a report, as 'evaluation report' does",
    "stage2.evaluation.report": "writes a report with its pages, as 'evaluation report' does",
    "stage2.rollout.vllm": "writes model folders into a temporary folder of its own, which is removed with the process",
    "stage2.scenes.indexing": "writes an index, as 'file' does; it names the time of the file beside it",
    "tlg8.artifacts.pack": "maps files that it only reads",
    "tlg8.features.dataset": "maps files that it only reads",
    "tlg8.evaluation.report": "writes a report and its plots, as 'evaluation report' does",
    "apps.evaluate": "writes provenance.json, as 'run files' does",
    "core.training.own_evaluation": "writes a report, as 'evaluation report' does",
    "board.playing.job": "writes provenance.json, as 'run files' does",
    "board.inference.server.serving": "writes provenance.json, as 'run files' does",
    "core.serving": "writes address.txt, as 'file' does",
    "board.review.made": "fills a folder that appears whole, as 'folder' does; what is lost is made again",
    "board.review.made_columns": "fills such a folder of board.review.made",
    "board.review.joining": "fills such a folder of board.review.made",
    "board.review.run_rows": "fills such a folder of board.review.made",
    "board.review.run_judgements": "fills such a folder of board.review.made",
    "board.review.export": "writes into an answer, nothing on the disk",
    "board.review.views": "one view a file, written by durable.write_json; what was not written is saved again",
    "board.review.run_figures": "fills such a folder of board.review.made",
    "board.review.disagreements": "fills such a folder of board.review.made",
    "board.inference.server.sockets": "removes a socket that nobody listens on; it makes no file",
    "board.inference.load.job": "writes provenance.json, as 'run files' does",
    "board.inference.load.report": "writes report.md and its plot, as 'evaluation report' does",
    "board.model.onnx_export": "publishes a folder, as 'endgame tables' does; its provenance names the time",
    "stage2.model.folders": "publishes a folder, as 'board init folder' does; its weights need transformers",
    "stage2.model.hf_export": "publishes a folder, as 'endgame tables' does; its provenance names the time",
    "board.playing.report": "writes report.md and its plot, as 'evaluation report' does",
}
# what the harness has to find out, or it proves nothing
FAULTY = (
    Writer("torn file", "", lambda folder: (folder / "x").write_bytes(NEW) and None, whole, old_file),
    Writer("early promise", "", promise_early, records_are_kept),
    Writer("other bytes", "", append_again, records_are_kept),
    Writer("left behind", "", leave_behind, whole, old_file),
)


def killed_play(places: int, groups: int, root: Path, kills: int) -> tuple[Outcome, dict[str, bytes]]:
    """Play with its pool in one folder that is killed so often, and the files that are left."""
    writer = Writer(
        f"play, {places} places, {groups} groups",
        "",
        functools.partial(record_play, places=places, groups=groups),
        the_pool_is_whole,
    )
    trials = Trials(writer, root)
    return trials.in_one_folder(kills, SEED), dict(trials.new)


def outcomes(name: str, root: Path, temporary: Path | None, most: int | None = None, kills: int = 0) -> list[Outcome]:
    """All trials of one writer: at every operation (or at `most` of them), or `kills` at random times."""
    writer = next(writer for writer in (*WRITERS, *FAULTY) if writer.name == name)
    trials = Trials(writer, root, temporary)
    return list(trials.at_random(kills, SEED) if kills else trials.at_every_operation(most))
