"""Ask and tell without a sweep: parameters in, values out, in a storage that several processes may open."""

import pytest

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.sampling import Sampling
from railyard.core.sweeping.space import Choice, Interval, Steps
from railyard.core.sweeping.study import Study

pytest.importorskip("optuna")

LOSS = OptimizedMetric("loss", "minimize")
AXES = {"x": Interval(0.0, 1.0), "kind": Choice(("a", "b"))}


@pytest.fixture
def study(tmp_path):
    def open_it(axes=AXES, objectives=(LOSS,), name=None, **sampling):
        return Study(f"sqlite:///{tmp_path}/study.db", name, objectives, axes, Sampling("random", **sampling))

    return open_it


def test_what_is_asked_for_is_told_of_and_kept(study):
    asked = study()
    assert asked.ask(sweep="mine")
    assert asked.ask(sweep="another")
    (first,) = asked.trials(sweep="mine")
    assert 0 <= first.params["x"] <= 1
    assert first.params["kind"] in ("a", "b")
    asked.tell(0, [0.5])
    asked.tell(1, None, error="a full disk")
    assert [(trial.state.name, trial.values) for trial in study().trials()] == [("COMPLETE", [0.5]), ("FAIL", None)]
    assert study().trials()[1].user_attrs["error"] == "a full disk"


def test_a_pruned_trial_has_no_error(study):
    study().ask()
    study().tell(0, None)
    assert study().trials()[0].state.name == "PRUNED"


def test_what_is_drawn_follows_from_seed_and_place(tmp_path):
    drawn = []
    for folder, seed in (("a", 1), ("b", 1), ("c", 2)):
        (tmp_path / folder).mkdir()
        made = Study(f"sqlite:///{tmp_path}/{folder}/s.db", None, (LOSS,), AXES, Sampling("random", seed))
        drawn.append([made.ask() and made.trials()[-1].params for _ in range(2)])
    assert drawn[0] == drawn[1] != drawn[2]


def test_a_space_that_is_used_up(study):
    few = study({"n": Steps(1, 2, 1)})
    assert [few.ask() for _ in range(3)] == [True, True, False]
    assert sorted(trial.params["n"] for trial in few.trials()) == [1, 2]


def test_another_space_or_another_objective_is_refused(study):
    study().ask()
    with pytest.raises(UserError, match="x: the study railyard has tried"):
        study({"x": Choice(("a",))})
    with pytest.raises(UserError, match="was made to minimize, not to maximize loss"):
        study(objectives=(OptimizedMetric("loss", "maximize"),))
