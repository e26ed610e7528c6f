"""The one error of a game that cannot be imported: which file, which line, why."""

from pathlib import Path
from typing import Any

from railyard.core.errors import UserError


class BadGame(UserError):
    """A game that cannot be read; `on_error=skip` leaves it out and reports it. Lines count from 1."""

    def __init__(self, path: Path, line: int | None, reason: str) -> None:
        self.path, self.line, self.reason = path, line, reason
        place = f"{path}, line {line}" if line else str(path)
        super().__init__(f"{place}: {reason}; mend the file, or leave such games out with on_error=skip")

    def __reduce__(self) -> tuple[Any, ...]:
        return BadGame, (self.path, self.line, self.reason)
