"""What tlg8 gives the verbs that rails share."""

from railyard.core.rail import known
from railyard.tlg8.rail import RAIL
from railyard.tlg8.training.config import RankerEvaluation


def test_its_artifacts_are_told_by_their_files(tmp_path):
    def kinds(path):
        return [kind.name for kind in RAIL.artifacts if kind.fits(path)]

    file = tmp_path / "a.tlg8"
    file.touch()
    assert (kinds(file), kinds(tmp_path)) == (["a .tlg8 file"], ["a folder of .tlg8 files"])
    for name, kind in (
        ("labels.meta.json", "a pack"),
        ("bundle.json", "a ranker's bundle"),
        ("candidates.npy", "what rank made"),
    ):
        folder = tmp_path / name.partition(".")[0]
        folder.mkdir()
        (folder / name).touch()
        assert kinds(folder) == [kind]


def test_it_evaluates_rankers():
    assert RAIL in known()
    assert (RAIL.evaluation(), RAIL.keys) == (RankerEvaluation, ())
