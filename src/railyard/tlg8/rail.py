"""What the tlg8 rail gives the verbs that all rails share."""

from pathlib import Path
from typing import Any

from railyard.core.config.faults import Fault
from railyard.core.progress import counting
from railyard.core.rail import Artifact, Evaluation, Rail
from railyard.core.training.experiment import Experiment


class File(Artifact):
    name = "a .tlg8 file"

    def fits(self, path: Path) -> bool:
        return path.suffix == ".tlg8" and path.is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.images.describe import describe_file

        return describe_file(path)


class Files(Artifact):
    name = "a folder of .tlg8 files"

    def fits(self, path: Path) -> bool:
        return any(file for pattern in ("*.tlg8", "*/*.tlg8") for file in path.glob(pattern))

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.images.describe import describe_folder

        with counting("show", "files") as tick:
            return describe_folder(path, tick)


class Candidates(Artifact):
    name = "what rank made"

    def fits(self, path: Path) -> bool:
        return (path / "candidates.npy").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.ranking.describe import describe_candidates

        return describe_candidates(path)


class BlockPack(Artifact):
    name = "a pack"

    def fits(self, path: Path) -> bool:
        return (path / "labels.meta.json").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.artifacts.describe import describe_pack

        return describe_pack(path)


class BundleFolder(Artifact):
    name = "a ranker's bundle"

    def fits(self, path: Path) -> bool:
        return (path / "bundle.json").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.ranking.bundle import describe

        return describe(path)


class SearchRun(Artifact):
    """It has a config.json, as the init folder of another rail, and a dataset/ of its own: looked for before both."""

    name = "the run of a search"

    def fits(self, path: Path) -> bool:
        has_log = any((path / name).is_file() for name in ("progress.jsonl", "best.json"))  # promoted: the latter alone
        return has_log and (path / "config.json").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.training.describe import describe_search

        return describe_search(path)


class DataSetFolder(Artifact):
    name = "a data set of blocks"

    def fits(self, path: Path) -> bool:
        return (path / "dataset" / "blocks" / "manifest.json").is_file()

    def describe(self, path: Path, call: Any) -> dict[str, Any]:
        from railyard.tlg8.features.describe import describe_dataset

        return describe_dataset(path)


class Tlg8(Rail):
    data_opens_at_once = False  # a data set is made when it is first opened
    artifacts = (File(), Files(), Candidates(), BlockPack(), BundleFolder(), SearchRun(), DataSetFolder())

    def rules(self, experiment: Experiment) -> list[Fault]:
        from railyard.tlg8.rules import check

        return check(experiment)

    def plan(self, experiment: Experiment) -> list[str]:
        from railyard.tlg8.plan import lines

        return lines(experiment)

    def metrics(self, experiment: Experiment) -> set[str] | None:
        from railyard.tlg8.rules import metrics

        return metrics(experiment)

    def evaluation(self) -> type[Evaluation]:
        from railyard.tlg8.training.config import RankerEvaluation

        return RankerEvaluation

    def model(self, init: Path) -> Any:
        from railyard.tlg8.ranking.bundle import read_bundle

        return read_bundle(init)


RAIL = Tlg8()
