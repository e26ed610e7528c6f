"""A file of a folder job that cannot be taken: it ends the job, or is left out and reported."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal

from railyard.core.errors import UserError

log = logging.getLogger(__name__)

OnError = Literal["stop", "skip"]


class BadImage(UserError):
    """Which file, and why."""

    def __init__(self, path: Path, reason: str) -> None:
        super().__init__(f"{path}: {reason}")
        self.path, self.reason = path, reason

    def __reduce__(self) -> tuple[type["BadImage"], tuple[Path, str]]:
        return BadImage, (self.path, self.reason)


class Skips:
    """Collects what was left out, `file` and `reason` each, where `on_error` allows it."""

    def __init__(self, on_error: OnError) -> None:
        self.on_error, self.files = on_error, list[dict[str, str]]()

    @contextmanager
    def over(self, relpath: str) -> Iterator[None]:
        """Work on one file; a BadImage, or what the system says against the file or its name, passes if `on_error` is
        "stop".
        """
        try:
            yield
        except BadImage as bad:
            self._skip(relpath, bad)
        except OSError as fault:
            self._skip(relpath, BadImage(Path(fault.filename or relpath), fault.strerror or str(fault)))

    def _skip(self, relpath: str, bad: BadImage) -> None:
        if self.on_error == "stop":
            raise bad
        log.warning("skipped: %s", bad)
        self.files.append({"file": relpath, "reason": bad.reason})
