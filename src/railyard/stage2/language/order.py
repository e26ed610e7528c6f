"""The one order in which objects are written: top to bottom, then left to right."""

from collections.abc import Iterable

from railyard.stage2.scenes.records import SceneObject


def canonical(objects: Iterable[SceneObject]) -> list[SceneObject]:
    """The objects by (y1, x1); those that begin in the same corner keep their order."""
    return sorted(objects, key=lambda each: (each.box[1], each.box[0]))
