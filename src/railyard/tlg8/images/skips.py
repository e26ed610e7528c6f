"""Files of a folder job that cannot be taken: the first ends the job, or they are left out and reported."""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from railyard.core.errors import BadRecord, OnError

log = logging.getLogger(__name__)


class Skips:
    """Collects what was left out, `file` and `reason` each, where `on_error` allows it."""

    def __init__(self, on_error: OnError) -> None:
        self.on_error, self.files = on_error, list[dict[str, str]]()

    @contextmanager
    def over(self, relpath: str) -> Iterator[None]:
        """Work on one file. A BadRecord, or an OSError against the file or its name, is noted, or raised if
        `on_error="stop"`.
        """
        try:
            yield
        except BadRecord as bad:
            self._skip(relpath, bad)
        except OSError as fault:
            self._skip(relpath, BadRecord(Path(fault.filename or relpath), fault.strerror or str(fault)))

    def _skip(self, relpath: str, bad: BadRecord) -> None:
        if self.on_error == "stop":
            raise bad
        log.warning("skipped: %s", bad)
        self.files.append({"file": relpath, "reason": bad.reason})
