"""`./run demo`: sample games to a pack, a tokenizer, a trained model, its evaluation and reports.

`./run demo rail=stage2` makes scenes and draws them, trains a small detector on some of one shape and draws what it
writes of held-out ones; meant to take at most six minutes.
`./run demo rail=tlg8` searches the blocks of two photographs, trains a ranker of codec tuples on them and judges it.

The model learns from the sample logs. It is also evaluated on other games, which are played here in some seconds at
depth 2, and plays games itself, beside a random player and that teacher. It annotates the sample games, and at last
goes on twice from its weights, for the same number of steps: with all rows, and with half of them wrong ones at first.

What an earlier run of the demo has made is reused; `./run demo fresh` begins with an empty folder.
Meant to take at most twelve minutes on two cores.
"""

import json
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

PACK = Path("data/board/sample")
TAUGHT = Path("data/board/taught")  # games that nobody has trained on
TOKENIZER = Path("data/board/tokenizer.json")
STRENGTH = Path("outputs/play/strength.png")
GAMES = 50  # of each player: their mean scores differ by more than their intervals are wide
EXPERIMENT = "board/quickstart"
SCENES, SHOWN = Path("data/stage2"), Path("outputs/show")
EASY = (
    *("kind=shapes", "min_side=96", "max_side=96", "min_objects=1", "max_objects=1"),
    *("colours=[red,blue]", "shapes=[square]", "min_size=0.3", "max_size=0.6"),
)
PHOTOGRAPHS, BLOCKS = Path("data/tlg8/images"), Path("data/tlg8/photographs")


def railyard(*words: str) -> dict[str, Any]:
    """Run a verb with its progress on this terminal; its result. Ends the demo where the verb fails."""
    print(f"\n$ railyard {' '.join(words)}", flush=True)
    command = [sys.executable, "-m", "railyard.cli", *words, "json=true"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as process:
        try:
            output, _ = process.communicate()
        except KeyboardInterrupt:
            process.wait()  # it has had the same signal, and saves
            sys.exit(130)
    if process.returncode:
        sys.exit(process.returncode)
    return dict(json.loads(output.splitlines()[-1]))


def finished_run() -> Path | None:
    """The newest demo run that wrote its report and init folder."""
    runs = sorted(Path("outputs/train", EXPERIMENT).glob("*/report.md"))
    return next((report.parent for report in reversed(runs) if (report.parent / "init").is_dir()), None)


def unfinished_run() -> Path | None:
    """The newest demo run that was stopped after a checkpoint."""
    manifests = sorted(Path("outputs/train", EXPERIMENT).glob("*/checkpoints/manifest.json"))
    return manifests[-1].parents[1] if manifests else None


def train() -> Path:
    if run := finished_run():
        print(f"\nusing the finished run {run} (./run demo fresh trains anew)")
        return run
    if run := unfinished_run():
        print(f"\ncontinuing the stopped run {run}")
        return Path(railyard("train", f"resume={run}")["run"])
    return Path(railyard("train", f"experiment={EXPERIMENT}")["run"])


def scenes() -> None:
    """Two small data sets, described and drawn."""
    for kind in ("shapes", "digits"):
        out = SCENES / kind
        railyard("scenes", f"kind={kind}", f"out={out}", "n=200", "seed=0")
        facts = railyard("show", f"path={out}", f"out={SHOWN / kind}")
        print(f"\n{facts['images']} images with {facts['objects']:,} objects in {out / 'scenes.jsonl'}")
    print("\nlook at:", *(f"\n  {SHOWN / kind / 'samples.png'}" for kind in ("shapes", "digits")))


def detector() -> None:
    """A detector trained on easy scenes, and what it writes about others."""
    for name, count, seed in (("easy", 2000, 1), ("easy_held_out", 48, 2)):
        railyard("scenes", f"out={SCENES / name}", f"n={count}", f"seed={seed}", *EASY)
    run = Path(railyard("train", "experiment=stage2/quickstart")["run"])
    found = railyard("evaluate", f"run={run}")
    report = Path(found["report"])
    print(f"\nread: {run / 'report.md'}\n      {report}\nthe detector: {run / 'init'}")
    print(f"look at: {report.parent / 'worst.html'} and {report.parent / 'overlays'}")


def photographs() -> None:
    """The two that come with scikit-learn, as PNG."""
    from PIL import Image
    from sklearn.datasets import load_sample_images

    PHOTOGRAPHS.mkdir(parents=True, exist_ok=True)
    for name, pixels in zip(("china", "flower"), load_sample_images().images, strict=True):
        Image.fromarray(pixels).save(PHOTOGRAPHS / f"{name}.png")


def ranker() -> None:
    """A pack of two photographs, a ranker trained on it, and its evaluation beside what it has to beat."""
    if not (BLOCKS / "manifest.json").exists():
        photographs()
        railyard("extract", f"images={PHOTOGRAPHS}", f"out={BLOCKS}")
    run = railyard("train", "experiment=tlg8/quickstart")["run"]
    found = railyard("evaluate", f"run={run}")
    for name, method in found["by_method"].items():
        figures = method["figures"]
        print(f"{name:28} hit@32 {100 * figures['hit@32']:5.1f} %  excess bits {figures['excess@32']:6.2f} %")
    print(f"\nread: {Path(run) / 'report.md'}\n      {found['report']}\nthe ranker: {Path(run) / 'init'}")


def main() -> None:
    if sys.argv[1:] == ["rail=stage2"]:
        scenes()
        detector()
        return
    if sys.argv[1:] == ["rail=tlg8"]:
        ranker()
        return
    if sys.argv[1:] == ["fresh"]:
        for folder in (PACK, TAUGHT, Path("outputs/train", EXPERIMENT)):
            shutil.rmtree(folder, ignore_errors=True)
        TOKENIZER.unlink(missing_ok=True)
    elif sys.argv[1:] not in ([], ["rail=board"]):
        sys.stderr.write(
            f"./run demo knows rail=board, rail=stage2, rail=tlg8 and fresh, got {' '.join(sys.argv[1:])}\n"
        )
        sys.exit(2)
    if not (PACK / "manifest.json").exists():
        railyard("pack", "source=${bundled:samples}/board", f"out={PACK}")
    if not TOKENIZER.exists():
        railyard("tokenizer", f"pack={PACK}", f"out={TOKENIZER}")
    run = train()
    held_out = railyard("evaluate", f"run={run}")
    tell(held_out, "held-out")
    if not (TAUGHT / "manifest.json").exists():
        railyard("teach", f"out={TAUGHT}", "games=4", "depth=2", "seed=2048")
    fresh = railyard("evaluate", f"run={run}", f"data.pack={TAUGHT}", "split=all")
    tell(fresh, "freshly taught")
    played = play(run)
    annotated = railyard("annotate", f"pool={PACK}", f"init={run / 'init'}")
    reports = [run / "report.md", held_out["report"], fresh["report"], *(found["report"] for found in played.values())]
    reports.append(annotated["report"])
    print("\nread: " + "\n      ".join(map(str, reports)))
    print(f"what the model says of {annotated['rows']:,} rows: railyard show path={annotated['session']}")
    go_on(run, annotated["session"])
    print(f"look at: {STRENGTH}" if STRENGTH.is_file() else "pip install 'railyard[plots]' draws plots, too")
    print(f"go through the games in a browser: railyard review session={annotated['session']}")


def go_on(run: Path, session: str) -> None:
    """The same number of further steps on all rows and first on wrong ones, and how often each picks the teacher's."""
    words = (f"model.init={run / 'init'}", f"paths.annotations.sample={session}", "trainer.max_epochs=2")
    arms = {"uniform": ("data.rejection=null",), "rejection": ()}
    for name, more in arms.items():
        trained = railyard("train", "experiment=board/rejection", *words, *more)["run"]
        metrics = railyard("evaluate", f"run={trained}")["metrics"]
        agreement, loss = metrics["teacher_agreement"], metrics["loss"]
        print(f"\n2 epochs on, {name}: the teacher's move in {100 * agreement:.1f} %, loss {loss:.3f}")


def play(run: Path) -> dict[str, dict[str, Any]]:
    """Games of three players, the results by name, and a plot of all."""
    from railyard.board.playing.report import compare
    from railyard.core.runs import plots

    calls = {
        "random": ("player=random",),
        "the model": (f"init={run / 'init'}", f"places={GAMES}", "bucket=64"),
        "teacher, depth 2": ("player=teacher", "depth=2"),
    }
    found = {name: railyard("play", *words, f"games={GAMES}") for name, words in calls.items()}
    for name, result in found.items():
        print(f"\n{name}: mean score {result['mean_score']:,.0f} ({result['low']:,.0f} to {result['high']:,.0f})")
    if plots.available():
        compare(STRENGTH, found)
    return found


def tell(result: dict[str, Any], games: str) -> None:
    metrics = result["metrics"]
    print(
        f"\nOn {result['games']} {games} game(s), {result['rows']:,} rows, the model picks the teacher's move in "
        f"{100 * metrics['teacher_agreement']:.1f} % of them (loss {metrics['loss']:.3f})."
    )


if __name__ == "__main__":
    main()
