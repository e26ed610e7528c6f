"""`debug=…` and `callbacks=none` with any experiment.

What a debug file sets for a part that is not there, or that has no such key, is left out instead of being a fault; and
so are an experiment's keys for callbacks where `callbacks=none` leaves those out, and what `conf/local/default.yaml`
says of a Trainer to verbs that have none.
"""

from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path
from typing import Any

from railyard.core.config import targets
from railyard.core.config.component import Component
from railyard.core.config.compose import Composition
from railyard.core.config.conf_folders import folders
from railyard.core.config.knobs import knobs
from railyard.core.store.reading import read_yaml

LOCAL = Path("conf", "local", "default.yaml")  # of the working directory


def without_misfits(container: Mapping[str, Any], composition: Composition, root: type[Component]) -> dict[str, Any]:
    """A plain container for `root` without the keys that nothing in it takes, of debug files, of `local/default` and
    of callbacks left out. Typed keys stay.
    """
    allow = container.get("allow")
    allowed = [*allow] if isinstance(allow, list) else []
    typed = {name for name, _ in composition.given}
    here = read_yaml(LOCAL) if LOCAL.is_file() else None
    foreign = {*here} - {*knobs(root)} - {name.partition(".")[0] for name in typed} if isinstance(here, dict) else set()
    found = {name: value for name, value in container.items() if name not in foreign}
    for key in _keys(composition):
        if ".".join(key) not in typed:
            found = _without(found, key, allowed)
    callbacks = found.get("callbacks")
    if composition.choice("callbacks") == "none" and isinstance(callbacks, Mapping):
        found["callbacks"] = {name: part for name, part in callbacks.items() if _stays(name, part, typed)}
    return found


def _stays(name: str, callback: Any, typed: Iterable[str]) -> bool:
    """Whether a callback is described, or was typed."""
    is_named = any(key == f"callbacks.{name}" or key.startswith(f"callbacks.{name}.") for key in typed)
    return is_named or not isinstance(callback, Mapping) or "_target_" in callback


def _keys(composition: Composition) -> Iterator[tuple[str, ...]]:
    """The keys that the chosen debug files set below the root."""
    if not composition.choice("debug"):
        return
    for name in [name for name, _ in composition.chosen_files() if name.startswith("debug/")]:
        file = next((file for folder in folders() if (file := folder / f"{name}.yaml").is_file()), None)
        yield from _leaves(read_yaml(Path(file)) if file else None)


def _leaves(node: Any, above: tuple[str, ...] = ()) -> Iterable[tuple[str, ...]]:
    if not isinstance(node, Mapping) or "_target_" in node:
        return [above] if len(above) > 1 else []
    return [key for name, value in node.items() for key in _leaves(value, (*above, str(name)))]


def _without(node: Mapping[str, Any], key: tuple[str, ...], allow: list[str]) -> dict[str, Any]:
    """A copy without the value at `key` if the part around it does not take it."""
    first, *rest = key
    inside = node.get(first)
    if not rest:
        known = targets.resolve(node["_target_"], allow) if "_target_" in node else None
        misfits = known is None or (not isinstance(known, str) and not _takes(known, first))
        return {name: value for name, value in node.items() if name != first or not misfits}
    if not isinstance(inside, Mapping):
        return dict(node)
    kept = _without(inside, tuple(rest), allow)
    return {name: (kept if name == first else value) for name, value in node.items() if kept or name != first}


def _takes(part: targets.Part, name: str) -> bool:
    return name in targets.names(part) or (isinstance(part, targets.Signature) and part.is_open)
