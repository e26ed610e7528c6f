"""What tlg8 gives the verbs that rails share."""

from railyard.core.rail import known
from railyard.tlg8.rail import RAIL
from railyard.tlg8.training.config import RankerEvaluation


def test_its_artifacts_are_told_by_their_files(tmp_path):
    file, pack, bundle, *_ = RAIL.artifacts
    (tmp_path / "a.tlg8").touch()
    (tmp_path / "labels.meta.json").touch()
    assert (file.fits(tmp_path / "a.tlg8"), file.fits(tmp_path)) == (True, False)
    assert (pack.fits(tmp_path), pack.fits(tmp_path / "a.tlg8")) == (True, False)
    assert not bundle.fits(tmp_path)
    (tmp_path / "bundle.json").touch()
    assert bundle.fits(tmp_path)


def test_it_evaluates_rankers():
    assert RAIL in known()
    assert (RAIL.evaluation(), RAIL.keys) == (RankerEvaluation, ())
