"""`<stem>.meta.json` or `<stem>.meta.json.gz`: the facts of a whole game in a raw log."""

import gzip
import io
import zlib
from pathlib import Path
from typing import Annotated

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from railyard.core.errors import BadRecord
from railyard.core.store.reading import read_bytes

SUFFIXES = (".meta.json", ".meta.json.gz")
MOST_BYTES = 2**20  # what is beyond is cut off, and is then no JSON
UNREADABLE = (OSError, EOFError, zlib.error)  # OSError covers data that is not gzip at all


class BadGame(BadRecord):
    """A game that cannot be read."""

    advice = "; mend the file, or leave such games out with on_error=skip"


class Meta(BaseModel):
    """What is used of a game's meta file; other keys are ignored."""

    model_config = ConfigDict(strict=True, frozen=True)

    seed: Annotated[int, Field(ge=0, lt=2**64)]
    num_moves: Annotated[int, Field(ge=0)]
    score: Annotated[int, Field(ge=0, lt=2**63)]
    max_tile: Annotated[int, Field(ge=0, lt=2**32)]
    max_rank: Annotated[int | None, Field(ge=0, lt=2**8)] = None


def read_meta(path: Path) -> Meta:
    """The meta file of a game, plain or gzipped; BadGame if it is damaged or lacks a key."""
    try:
        data = read_bytes(path, MOST_BYTES)
        if path.suffix == ".gz":
            with gzip.GzipFile(fileobj=io.BytesIO(data)) as file:
                data = file.read(MOST_BYTES)
        return Meta.model_validate_json(data)
    except BadRecord as bad:
        raise BadGame(path, bad.reason) from None
    except UNREADABLE as error:
        raise BadGame(path, f"cannot be read ({error})") from error
    except ValidationError as errors:
        first = errors.errors(include_url=False)[0]
        key = "".join(f"`{part}`: " for part in first["loc"])
        raise BadGame(path, f"{key}{first['msg']}") from errors
