"""The one error of a file that cannot be decoded: what is wrong, and in which tile."""

from railyard.core.errors import UserError


class BadFile(UserError):
    """A .tlg8 file that cannot be decoded. Tiles count from 1."""

    def __init__(self, reason: str, tile: int | None = None) -> None:
        super().__init__(reason if tile is None else f"tile {tile}: {reason}")
