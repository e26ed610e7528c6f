"""What `/sessions` tells of each session: from source.json and the manifest, without opening it."""

import logging
from functools import lru_cache
from pathlib import Path
from typing import Any

from railyard.board.packs.annotation_session import COLUMNS, AnnotationSession
from railyard.board.packs.annotations import MANIFEST_FILE
from railyard.board.packs.describe import kind_of
from railyard.board.review.open_session import Place
from railyard.board.review.sessions import Catalogue, is_finished
from railyard.board.tokens.registry import load
from railyard.core.errors import UserError

log = logging.getLogger(__name__)

# products of folders made elsewhere, by the stem of their files
STEMS = {"annotations": "annotations", "annotations-student": "student_bins"}

_read: dict[tuple[str, int, int], dict[str, Any]] = {}  # by manifest, its time and size


def facts_of(catalogue: Catalogue, place: Place) -> dict[str, Any]:
    """The facts of one session."""
    found = _of_source(place)
    if is_finished(place):
        found.update(_of_manifest_once(place))
        found["vocab_order"] = vocabulary(place.tokenizer_file)
        found["preparing"] = catalogue.preparing(place.id)
    return found


def _of_source(place: Place) -> dict[str, Any]:
    source = place.source
    return {
        "id": place.id,
        "pool": str(place.pool),
        "pool_type": source.get("pool_type"),
        "model_id": source.get("model_id"),
        "model_hash": source.get("model_hash"),
        "tag": place.folder.parent.name.removeprefix("model=") if place.is_own else None,
        "created_at": source.get("created_at"),
        "rows": source.get("rows"),
        "runs": None,
        "products": [product["name"] for product in source.get("products", [])],
        "num_bins": None,
        "columns": [],
        "vocab_order": None,
        "finished": is_finished(place),
        "provenance": None,
        "preparing": {},
    }


def _of_manifest_once(place: Place) -> dict[str, Any]:
    """A manifest names each run: with 100,000 of them it is read once, as long as it stays the same."""
    file = place.folder / MANIFEST_FILE
    key = _state(file)
    if key not in _read:
        try:
            _read[key] = _of_manifest(place)
        except UserError as fault:
            log.warning("%s", fault)
            _read[key] = {"fault": str(fault)}
    return dict(_read[key])


def _of_manifest(place: Place) -> dict[str, Any]:
    annotated = AnnotationSession.open(place.folder)
    manifest = annotated.manifest
    found: dict[str, Any] = {
        "runs": len(manifest["runs"]),
        "num_bins": manifest.get("student_bins", {}).get("num_bins") or None,
        "columns": list(annotated.columns or COLUMNS),
        "provenance": manifest.get("provenance"),
    }
    if not place.is_own:
        held = {stem: any(place.folder.glob(f"{stem}-[0-9]*.npy")) for stem in STEMS}
        found["products"] = [STEMS[stem] for stem, is_there in held.items() if is_there]
        found["rows"] = len(annotated.annotations or ())
        found["pool_type"] = "selfplay" if kind_of(place.pool) == "selfplay" else "macroxue"
    return found


def vocabulary(file: Path) -> list[str] | None:
    """Names of a tokenizer's classes; None where there is none, or one that cannot be read, which is logged once."""
    return _class_names(*_state(file)) if file.is_file() else None


@lru_cache(256)
def _class_names(file: str, time_ns: int, size: int) -> list[str] | None:
    """Read once, as long as the file stays the same."""
    try:
        return [str(name) for name in load(Path(file)).class_names.values()]
    except UserError as fault:
        log.warning("%s", fault)
        return None


def _state(file: Path) -> tuple[str, int, int]:
    """A file and when it was written with how many bytes: what was read of it holds while these stay."""
    state = file.stat()
    return str(file), state.st_mtime_ns, state.st_size
