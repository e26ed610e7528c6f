"""`railyard VERB key=value …`. Imports nothing heavy, so that help answers at once."""

import atexit
import difflib
import gc
import sys

from railyard.core.output import write_out
from railyard.core.package import __version__
from railyard.core.progress import say_soon
from railyard.core.verbs.table import Entry, usage, verbs


def main(argv: list[str] | None = None) -> int:
    """Entry point of the `railyard` command; returns the exit code."""
    if argv is None:  # a process of its own
        atexit.register(gc.freeze)  # what is left at the end is not searched for circles: 0.4 s with torch
    words = sys.argv[1:] if argv is None else argv
    if not words or words[0] in ("-h", "--help") or words == ["help"]:
        return _told(usage())
    name, *rest = [*words[1:2], "--help", *words[2:]] if words[0] == "help" else words
    if name == "completion":
        from railyard.core.verbs import completion

        code, out, err = completion.main(rest)
        sys.stderr.write(err)
        return _told(out) or code
    if name == "--version":
        return _told(f"railyard {__version__}\n")
    if name not in verbs():
        close = difflib.get_close_matches(name, verbs(), n=1)
        hint = f"; did you mean '{close[0]}'?" if close else "; `railyard` alone lists the verbs"
        sys.stderr.write(f"railyard: there is no verb '{name}'{hint}\n")
        return 2
    return _start(verbs()[name], rest)


def _told(text: str) -> int:
    """Write what needs no verb; returns the exit code."""
    try:
        write_out(text)
    except Exception as fault:
        from railyard.core.errors import RailyardError  # not before: help is said without pathlib

        if not isinstance(fault, RailyardError):
            raise
        sys.stderr.write(f"railyard: {fault}\n")
        return fault.exit_code
    return 0


def _start(verb: Entry, rest: list[str]) -> int:
    say_soon(f"railyard {verb.name}: reading its config")
    app = verb.load()
    from railyard.core.verbs import launch

    if "-h" in rest or "--help" in rest:
        from railyard.core.verbs.help import verb_help

        words = [word for word in rest if word not in ("-h", "--help")]
        return launch.guarded(verb.name, lambda: verb_help(verb, words))
    from railyard.core.verbs import sweep

    call = sweep.call if sweep.is_meant(rest) else launch.call
    return launch.guarded(verb.name, lambda: call(verb.name, app, rest))


if __name__ == "__main__":
    if not sys.flags.safe_path:
        sys.path.pop(0)  # the working directory, which `python -m` puts first: only admitted classes come from there
    sys.exit(main())
