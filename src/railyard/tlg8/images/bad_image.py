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
        """Work on one file; BadImage passes if `on_error` is "stop"."""
        try:
            yield
        except BadImage as bad:
            if self.on_error == "stop":
                raise
            log.warning("skipped: %s", bad)
            self.files.append({"file": relpath, "reason": bad.reason})
