"""What the tlg8 rail gives the verbs that all rails share."""

from pathlib import Path
from typing import Any

from railyard.core.rail import Artifact, Rail


class File(Artifact):
    name = "a .tlg8 file"

    def fits(self, path: Path) -> bool:
        return path.suffix == ".tlg8" and path.is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.images.describe import describe_file

        return describe_file(path)


class BlockPack(Artifact):
    name = "a pack"

    def fits(self, path: Path) -> bool:
        return (path / "labels.meta.json").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.artifacts.describe import describe_pack

        return describe_pack(path)


class Tlg8(Rail):
    artifacts = (File(), BlockPack())


RAIL = Tlg8()
