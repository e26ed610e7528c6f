"""Named searches, kept as JSON in the folder `views/` of a root: one file a view, whose name is a hash of the view's.

So no text of a caller becomes part of a path. Files that are no views are left alone and passed over.
"""

import hashlib
import logging
import threading
from pathlib import Path

from pydantic import BaseModel, Field, ValidationError

from railyard.board.review.limits import MOST_TEXT, MOST_VIEWS
from railyard.board.review.problems import BadRequest, Forbidden, NotFound
from railyard.core.errors import UserError
from railyard.core.query import parse
from railyard.core.store import durable
from railyard.core.store.reading import read_json

log = logging.getLogger(__name__)

FOLDER = "views"
LONGEST_NAME = 100
VERSION = 1


class ViewBody(BaseModel, extra="forbid"):
    """A search, and where it was made."""

    where: str = Field("", max_length=MOST_TEXT, description="conditions, as of steps/search")
    sort: str | None = Field(None, max_length=200, description="as of steps/search")
    session: str | None = Field(None, max_length=500, description="the session that it was made for")
    note: str = Field("", max_length=MOST_TEXT, description="whatever there is to say")


class View(ViewBody):
    """A search that was kept."""

    name: str = Field(min_length=1, max_length=LONGEST_NAME)


class _File(View):
    version: int


class Views:
    """The views of a root. folder: None where there is no root; may_write: whether this server changes anything."""

    def __init__(self, folder: Path | None, may_write: bool) -> None:
        self._folder, self._may_write = folder, may_write and folder is not None
        self._lock = threading.Lock()

    @property
    def may_write(self) -> bool:
        return self._may_write

    def all(self) -> list[View]:
        """By name."""
        if self._folder is None or not self._folder.is_dir():
            return []
        found = [view for path in sorted(self._folder.glob("*.json")) if (view := _read(path))]
        return sorted(found, key=lambda view: view.name)

    def get(self, name: str) -> View:
        """The view of that name. NotFound."""
        found = None if self._folder is None else _read(self._path(self._folder, name))
        if found is None or found.name != name:
            raise NotFound(f"there is no view {name!r}")
        return found

    def save(self, name: str, body: ViewBody) -> View:
        """Keeps a view, in place of one of that name. BadRequest for one that cannot be asked; Forbidden."""
        folder = self._writable()
        if not 0 < len(name) <= LONGEST_NAME or not name.isprintable() or name != name.strip():
            raise BadRequest(
                f"a view's name has 1 to {LONGEST_NAME} printable characters and no space at its ends, got {name!r}"
            )
        try:
            parse(body.where)
        except UserError as fault:
            raise BadRequest(str(fault)) from None
        view = View(name=name, **body.model_dump())
        with self._lock:
            path = self._path(folder, name)
            if not path.exists() and len(self.all()) >= MOST_VIEWS:
                raise BadRequest(f"{MOST_VIEWS} views are kept already: delete one first")
            folder.mkdir(parents=True, exist_ok=True)
            durable.write_json(path, {"version": VERSION, **view.model_dump()})
        return view

    def delete(self, name: str) -> None:
        """NotFound; Forbidden."""
        folder = self._writable()
        with self._lock:
            self.get(name)
            self._path(folder, name).unlink()
            durable.fsync(folder)

    def _writable(self) -> Path:
        if self._folder is None or not self._may_write:
            raise Forbidden(
                "this server only reads: views are kept by railyard review root=FOLDER where the folder may be written"
            )
        return self._folder

    @staticmethod
    def _path(folder: Path, name: str) -> Path:
        return folder / f"{hashlib.sha256(name.encode('utf-8', 'surrogatepass')).hexdigest()[:32]}.json"


def _read(path: Path) -> View | None:
    """The view in a file, None where there is none."""
    if not path.is_file():
        return None
    try:
        facts = _File.model_validate(read_json(path, "delete it"))
    except (UserError, ValidationError) as fault:
        log.warning("%s is no view and is passed over: %s", path, str(fault).partition("\n")[0])
        return None
    return View(**facts.model_dump(exclude={"version"}))
