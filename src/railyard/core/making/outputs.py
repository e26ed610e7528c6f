"""The place of something new on disk: free or occupied."""

from pathlib import Path

from railyard.core.errors import UserError


def refuse_occupied(out: Path, what: str) -> None:
    """UserError if anything but an empty folder stands at `out`; `what` was to be written there."""
    if out.is_dir() and not any(out.iterdir()):
        return
    if out.exists():
        raise UserError(f"{out} exists and is not {what}: choose another out=, or delete it first")
