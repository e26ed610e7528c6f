"""Standard output, which is for results only. Imports nothing heavy, since help needs it."""

import errno
import os
import sys


def can_write(text: str) -> bool:
    """Whether standard output has all characters of a text."""
    try:
        text.encode(getattr(sys.stdout, "encoding", None) or "utf-8")
    except UnicodeEncodeError:
        return False
    return True


def write_out(text: str) -> None:
    """Write a result to standard output, which may be closed (`>&-`) or have no reader any more (`| head`).

    Raises RailyardError where it cannot be written otherwise.
    """
    if sys.stdout is None or not text:
        return
    try:
        sys.stdout.write(text)
        sys.stdout.flush()
    except OSError as fault:
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())  # or the interpreter fails once more at its end
        if fault.errno != errno.EPIPE:
            from railyard.core.errors import RailyardError

            raise RailyardError(f"standard output cannot be written: {fault.strerror}") from None
