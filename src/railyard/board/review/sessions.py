"""The catalogue: which sessions there are, and those that are open.

    railyard review root=annotations | session=FOLDER | pool=POOL annotations=FOLDER

A root is looked through again when its list is wanted, so new sessions are noticed; what was read of a source.json is
kept as long as the file stays the same. Ids come from callers and are looked up, never joined into paths.
"""

import gc
import logging
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import Any

from pydantic import BaseModel

from railyard.board.annotation.sessions import name_of
from railyard.board.packs.annotation_session import SOURCE_FILE
from railyard.board.packs.annotations import MANIFEST_FILE
from railyard.board.review.limits import MOST_OPEN
from railyard.board.review.open_session import OpenSession, Place
from railyard.board.review.problems import Conflict, NotFound
from railyard.core.errors import UserError
from railyard.core.store.reading import read_json

log = logging.getLogger(__name__)

Find = Callable[[], Iterator[Place]]


class _Source(BaseModel):
    id: str
    pool: str
    created_at: str


class Catalogue:
    """Sessions by id. `find` looks for them anew; at most `most_open` are held open."""

    def __init__(self, find: Find, most_open: int = MOST_OPEN) -> None:
        self._find, self._most_open = find, most_open
        self._seen: dict[str, Place] = {}
        self._open: OrderedDict[str, OpenSession] = OrderedDict()
        self._lock = threading.Lock()

    def places(self) -> dict[str, Place]:
        """All sessions, finished or not, by id, the newest first."""
        found: dict[str, Place] = {}
        for place in self._find():
            if found.setdefault(place.id, place) is not place:
                log.warning("%s has the id of %s and is left out: delete one", place.folder, found[place.id].folder)
        self._seen = dict(sorted(found.items(), key=lambda item: item[1].source.get("created_at", ""), reverse=True))
        return self._seen

    def open(self, session_id: str) -> OpenSession:
        """The session of that id. NotFound, and Conflict for one that is still being written."""
        place = self._seen.get(session_id) or self.places().get(session_id)
        if place is None:
            raise NotFound(f"session {session_id} not found")
        if not is_finished(place):
            raise Conflict(
                f"session {place.id} is still being written: ask again when railyard annotate has completed it"
            )
        return self._opened(place)

    def newest(self) -> OpenSession:
        """The finished session that was begun last, which `/health` and `/runs*` speak of. NotFound without any."""
        place = next((place for place in self.places().values() if is_finished(place)), None)
        if place is None:
            raise NotFound("there is no finished session yet")
        return self._opened(place)

    def preparing(self, session_id: str) -> dict[str, float]:
        """What is being made of a session at this moment, and the share that is done."""
        found = self._open.get(session_id)
        return found.made.progress() if found else {}

    def _opened(self, place: Place) -> OpenSession:
        """That session, opened if it is not, in place of the one that was used longest ago."""
        with self._lock:
            found = self._open.get(place.id)
            if found is None or found.place != place:
                with _uncollected():
                    found = self._open[place.id] = OpenSession(place)
            self._open.move_to_end(place.id)
            while len(self._open) > self._most_open:
                self._open.popitem(last=False)  # its maps go with the last answer that reads them
            return found


@contextmanager
def _uncollected() -> Iterator[None]:
    """Without the collector of circles: a manifest of 100,000 runs is as many dictionaries, which it would look through
    again and again, for half of the time that opening takes."""
    was_on = gc.isenabled()
    gc.disable()
    try:
        yield
    finally:
        if was_on:
            gc.enable()


def is_finished(place: Place) -> bool:
    return (place.folder / MANIFEST_FILE).is_file()


def in_root(root: Path, tokenizer: Path | None = None) -> Find:
    """The sessions below a folder, as railyard annotate lays them out: POOL/model=TAG/TIME."""
    known: dict[Path, tuple[Any, Place]] = {}

    def find() -> Iterator[Place]:
        for file in sorted(root.glob(f"*/model=*/*/{SOURCE_FILE}")):
            try:
                state = (file.stat().st_mtime_ns, file.stat().st_size)
                if known.get(file, (None, None))[0] != state:
                    known[file] = state, _place(file.parent, tokenizer)
                yield known[file][1]
            except (UserError, OSError) as fault:
                log.warning("%s is left out: %s", file.parent, fault)

    return find


def one(folder: Path, tokenizer: Path | None = None) -> Find:
    """One session. UserError if it is none."""
    if not (folder / SOURCE_FILE).is_file():
        raise UserError(
            f"{folder} holds no session of railyard annotate: give the folder that holds {SOURCE_FILE}, or for "
            "annotations made elsewhere pool=… annotations=…"
        )
    place = _place(folder, tokenizer)
    return lambda: iter([place])


def of_pool(pool: Path, annotations: Sequence[Path], tokenizer: Path | None = None) -> Find:
    """Folders of annotations over one pool, wherever they were made. UserError for what is none."""
    places = [_over(pool, folder, tokenizer) for folder in annotations]
    return lambda: iter(places)


def _over(pool: Path, folder: Path, tokenizer: Path | None) -> Place:
    if not (folder / MANIFEST_FILE).is_file():
        raise UserError(f"{folder} holds no {MANIFEST_FILE}: give a folder of annotations, finished by whoever made it")
    if (folder / SOURCE_FILE).is_file():
        return _place(folder, tokenizer)._replace(pool=pool)
    return Place(f"{name_of(pool)}~{name_of(folder)}", folder, pool, {}, tokenizer)


def _place(folder: Path, tokenizer: Path | None) -> Place:
    source = read_json(folder / SOURCE_FILE, "annotate again", shape=_Source)
    if "/" in source["id"] or not source["id"]:
        raise UserError(f"{folder / SOURCE_FILE}: id: {source['id']!r} is no session's: annotate again")
    return Place(source["id"], folder, Path(source["pool"]), source, tokenizer)
