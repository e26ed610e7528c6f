"""Errors that reach a person: one sentence and an exit code.

Library code raises these; `railyard.cli` prints the message and exits with `exit_code`. Anything else that
reaches the command line is a defect of Railyard and keeps its traceback.
"""

import difflib
from collections.abc import Iterable
from pathlib import Path
from typing import Any, Literal

EXIT_INTERRUPT = 130
LONGEST_QUOTE = 80  # characters

OnError = Literal["stop", "skip"]  # a bad record ends the job, or is left out and reported


class RailyardError(Exception):
    """A failure without a mistake in the call (a full disk, a machine without enough memory)."""

    exit_code = 1
    output = ""  # what standard output gets all the same


class Negative(RailyardError):
    """The work was done and its answer is no: `result` is reported as that of any verb, the exit code is 1."""

    def __init__(self, message: str, result: dict[str, Any]) -> None:
        super().__init__(message)
        self.result = result


class Diverged(RailyardError):
    """A run whose loss or weights are no numbers any more: it leaves no model and wins no search."""


class UserError(RailyardError):
    """A mistake the user can mend: what, where, what was expected, what to do."""

    exit_code = 2


class BadRecord(UserError):
    """One of many files or lines that cannot be taken, which `on_error=skip` leaves out. Lines count from 1."""

    advice = ""

    def __init__(self, path: Path, reason: str, line: int | None = None) -> None:
        super().__init__(f"{path}{f', line {line}' if line else ''}: {reason}{self.advice}")
        self.path, self.reason, self.line = path, reason, line

    def __reduce__(self) -> tuple[type["BadRecord"], tuple[Path, str, int | None]]:
        return type(self), (self.path, self.reason, self.line)


def nearest(name: str, known: Iterable[str]) -> str:
    """A clause that names the nearest known word, or nothing."""
    match = difflib.get_close_matches(name, list(known), n=1, cutoff=0.6)
    return f"; did you mean '{match[0]}'?" if match else ""


def short(value: Any) -> str:
    """`repr` of a value as a message quotes it, with an ellipsis where it was cut."""
    text = repr(value)
    return text if len(text) <= LONGEST_QUOTE else text[: LONGEST_QUOTE - 3] + "..."
