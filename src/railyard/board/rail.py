"""What the board rail gives the verbs that all rails share."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from railyard.core.config.faults import Fault
from railyard.core.rail import Artifact, Evaluation, Format, Rail
from railyard.core.training.experiment import Experiment


class Tokenizer(Artifact):
    name = "a tokenizer.json"

    def fits(self, path: Path) -> bool:
        return path.suffix == ".json" and path.is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.board.tokens.registry import load

        return {"kind": "tokenizer", **load(path).describe()}

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        from railyard.board.tokens.draw import draw

        draw(path, out)


class InitFolder(Artifact):
    name = "an init folder"
    is_common = True

    def fits(self, path: Path) -> bool:
        """One with a tokenizer of transformers is a model of theirs."""
        return (path / "config.json").is_file() and not (path / "tokenizer_config.json").exists()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.board.model.init_folder import describe

        return describe(path)


class Session(Artifact):
    """What annotate makes; beside its own files it holds the pool's metadata.db, as packs do."""

    name = "an annotation session"

    def fits(self, path: Path) -> bool:
        from railyard.board.annotation.describe import is_session

        return is_session(path)

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.board.annotation.describe import describe_session

        return describe_session(path)

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        from railyard.board.annotation.describe import draw

        draw(path, facts, out)


class FilterCaches(Artifact):
    """Rows that filters of rejection sampling found: one cache, or a folder of them."""

    name = "a filter cache"

    def fits(self, path: Path) -> bool:
        from railyard.board.training.filters.cache import is_cache

        return is_cache(path)

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.board.training.filters.cache import describe

        return describe(path)


class AnyPack(Artifact):
    """A pack of teacher rows, a self-play pool, or a pack of the reference's older form."""

    name = "a pack"
    is_common = True

    def fits(self, path: Path) -> bool:
        return any([*path.glob("steps*.npy"), *path.glob("metadata.db")])

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.board.packs.describe import describe_any

        return describe_any(path)

    def draw(self, path: Path, facts: Mapping[str, Any], out: Path, call: Any) -> None:
        from railyard.board.packs.draw import draw

        draw(path, facts, out)


class RawLogs(Artifact):
    """What a teacher wrote; looked for last, since a pack of blocks has a file of such a name."""

    name = "raw logs"
    is_common = True

    def fits(self, path: Path) -> bool:
        from railyard.board.logs.describe import is_raw_logs

        return is_raw_logs(path)

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.board.logs.describe import describe_logs

        return describe_logs(path)


class Onnx(Format):
    name = "onnx"

    def fits(self, init: Path) -> bool:
        return InitFolder().fits(init)

    def write(self, init: Path, out: Path, command: list[str]) -> dict[str, Any]:
        from railyard.board.model.onnx_export import export_onnx

        return export_onnx(init, out, command)


class Board(Rail):
    artifacts = (FilterCaches(), Tokenizer(), Session(), InitFolder(), AnyPack(), RawLogs())
    formats = (Onnx(),)

    def rules(self, experiment: Experiment) -> list[Fault]:
        from railyard.board.rules import check

        return check(experiment)

    def plan(self, experiment: Experiment) -> list[str]:
        from railyard.board.plan import lines

        return lines(experiment)

    def metrics(self, experiment: Experiment) -> set[str] | None:
        from railyard.board.rules import metrics

        return metrics(experiment)

    def evaluation(self) -> type[Evaluation]:
        from railyard.board.training.config import BoardEvaluation

        return BoardEvaluation

    def model(self, init: Path) -> Any:
        from railyard.board.model.init_folder import read_init

        return read_init(init)[0].eval()


RAIL = Board()
