"""The hidden folder beside `out` where an artifact grows until it is complete: `.OUT.partial/KEY`.

The key is a hash of the origin and the version, so work is only ever taken up by the same command; `origin.json` says
to a person what it is. Work outlives an interrupt, a kill, a lost worker and a full disk.
"""

import logging
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from railyard.core.errors import UserError
from railyard.core.making.outputs import Origin, discard_work, made_by, work_place
from railyard.core.store import durable
from railyard.core.store.lock import locked

log = logging.getLogger(__name__)


@contextmanager
def work_folder(out: Path, origin: Origin) -> Iterator[Path]:
    """The work folder of `out` for this process alone, with what an earlier call of the same origin left in it.

    It goes when the block ends well (with what was made published) or with a user's mistake, which the next call could
    not mend by going on. Busy if another process works in it. Work of other origins is kept, and named in a warning.
    """
    folder = begin(out, origin)
    with locked(folder), told_as_kept(folder):
        try:
            yield folder
        except UserError:
            discard_work(out, origin)
            raise
        discard_work(out, origin)


def begin(out: Path, origin: Origin) -> Path:
    """Makes the work folder of `out` if it is missing, and names work of other origins."""
    folder = work_place(out, origin)
    folder.mkdir(parents=True, exist_ok=True)
    if others := sorted(str(each) for each in folder.parent.iterdir() if each.is_dir() and each != folder):
        log.warning(
            "kept, as it was begun with other data or options, or by another version: %s; delete it if it is of no use",
            ", ".join(others),
        )
    if not (folder / "origin.json").is_file():
        durable.write_json(folder / "origin.json", made_by(origin))
    return folder


@contextmanager
def told_as_kept(folder: Path) -> Iterator[None]:
    """Says that the folder is kept when anything but a user's mistake ends the block."""
    try:
        yield
    except UserError:
        raise
    except BaseException:
        log.warning("%s keeps what is done: the same command goes on from there", folder)
        raise
