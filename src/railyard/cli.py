"""`railyard VERB key=value …`: the table of verbs. Imports nothing heavy, so that help answers at once."""

import difflib
import os
import sys
from typing import NamedTuple


class Verb(NamedTuple):
    rail: str
    summary: str
    example: str


VERBS = {
    "train": Verb("all rails", "fit an experiment", "railyard train experiment=board/quickstart"),
    "evaluate": Verb("all rails", "evaluate a run or checkpoint on held-out data", "railyard evaluate run=RUN"),
    "runs": Verb("all rails", "run folders listed, filtered and compared", "railyard runs where='val/loss<5'"),
    "replay": Verb("all rails", "run a run again and compare the weights' bytes", "railyard replay run=RUN"),
    "show": Verb("all rails", "what an artifact holds: run, pack, tokenizer, scenes", "railyard show path=PATH"),
    "doctor": Verb("all rails", "versions, devices, optional parts missing", "railyard doctor"),
    "tables": Verb("board", "build the teacher's endgame tables", "railyard tables out=data/board/tables size=small"),
    "teach": Verb("board", "expectimax games to a pack", "railyard teach out=data/board/taught games=10 depth=2"),
    "relabel": Verb(
        "board", "new values for a pack", "railyard relabel pack=data/board/sample out=data/board/deeper depth=4"
    ),
    "pack": Verb(
        "board",
        "raw teacher logs to a pack",
        "railyard pack source='${bundled:samples}/board' out=data/board/sample",
    ),
    "merge": Verb("board", "two packs to one", "railyard merge left=PACK right=PACK out=data/board/both"),
    "tokenizer": Verb(
        "board",
        "fit a tokenizer to a pack",
        "railyard tokenizer pack=data/board/sample out=data/board/tokenizer.json",
    ),
    "tokenize": Verb(
        "board",
        "apply a tokenizer to a pack",
        "railyard tokenize tokenizer=data/board/tokenizer.json pack=data/board/sample out=data/board/tokens.npy",
    ),
    "extract": Verb("tlg8", "images to searched blocks", "railyard extract images=art out=data/tlg8/art"),
    "encode": Verb("tlg8", "images to .tlg8 files", "railyard encode images=art out=encoded"),
    "decode": Verb("tlg8", ".tlg8 files to PNG", "railyard decode files=encoded out=decoded"),
    "scenes": Verb("stage2", "make a data set of scenes", "railyard scenes kind=shapes out=data/stage2/shapes n=200"),
    "convert": Verb(
        "stage2", "COCO and other annotations to scenes", "railyard convert source=instances.json out=data/stage2/coco"
    ),
}


def usage() -> str:
    lines = ["usage: railyard VERB key=value …      railyard VERB --help lists a verb's keys", ""]
    for rail in dict.fromkeys(verb.rail for verb in VERBS.values()):
        lines.append(rail)
        lines += [f"  {name:<10} {verb.summary}" for name, verb in VERBS.items() if verb.rail == rail]
    return "\n".join([*lines, ""])


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `railyard` command; returns the exit code."""
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help", "help"):
        sys.stdout.write(usage())
        return 0
    name, *rest = words
    if name == "--version":
        from railyard import __version__

        sys.stdout.write(f"railyard {__version__}\n")
        return 0
    if name not in VERBS:
        close = difflib.get_close_matches(name, VERBS, n=1)
        hint = f"; did you mean '{close[0]}'?" if close else "; `railyard` alone lists the verbs"
        sys.stderr.write(f"railyard: there is no verb '{name}'{hint}\n")
        return 2
    return _start(name, rest)


def _start(name: str, rest: list[str]) -> int:
    import importlib

    here = os.getcwd()  # noqa: PTH109 (pathlib would cost a tenth of the time that help takes)
    if here not in sys.path:
        sys.path.append(here)  # a user's own classes, admitted by allow=, live beside their conf/
    app = importlib.import_module(f"railyard.apps.{name}")
    from railyard.core.verbs import launch

    if "-h" in rest or "--help" in rest:
        from railyard.core.verbs.help import verb_help

        words = [word for word in rest if word not in ("-h", "--help")]
        verb = VERBS[name]
        return launch.guarded(name, lambda: verb_help(name, app, verb.summary, verb.example, words))
    from railyard.core.verbs import sweep

    call = sweep.call if sweep.is_meant(rest) else launch.call
    return launch.guarded(name, lambda: call(name, app, rest))


if __name__ == "__main__":
    sys.exit(main())
