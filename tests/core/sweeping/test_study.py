"""Ask and tell without a sweep: parameters in, values out, in a storage that several processes may open."""

import pytest

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.space import Choice, Interval, Steps
from railyard.core.sweeping.study import Sampling, Study

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


SPACE = {"lr": Interval(1e-4, 1e-1, log=True), "n": Interval(1, 4, whole=True), "s": Steps(0.5, 1.5, 0.5), **AXES}


def drawn(tmp_path, sampler, count, axes=SPACE, value=lambda params: params["n"], **sampling):
    made = Study(f"sqlite:///{tmp_path}/{sampler}.db", None, (LOSS,), axes, Sampling(sampler, **sampling))
    for number in range(count):
        assert made.ask()
        made.tell(number, [float(value(made.trials()[-1].params))])
    return [trial.params for trial in made.trials()]


@pytest.mark.parametrize("sampler", ["qmc", "random"])
def test_other_samplers_draw_within_the_axes_and_the_same_again(tmp_path, sampler):
    (tmp_path / "again").mkdir()
    found = drawn(tmp_path, sampler, 5, seed=3, startup=3)
    assert found == drawn(tmp_path / "again", sampler, 5, seed=3, startup=3)
    for params in found:
        assert 1e-4 <= params["lr"] <= 1e-1
        assert params["n"] in (1, 2, 3, 4)
        assert params["s"] in (0.5, 1.0, 1.5)
        assert params["kind"] in ("a", "b")


def test_qmc_fills_an_axis_evenly(tmp_path):
    values = [params["u"] for params in drawn(tmp_path, "qmc", 8, {"u": Interval(0.0, 8.0)}, lambda params: 0)]
    assert sorted(map(int, values)) == list(range(8))


def test_a_grid_takes_all_combinations_in_turn(tmp_path):
    axes = {"kind": Choice(("a", "b")), "n": Steps(1, 3, 1)}
    found = drawn(tmp_path, "grid", 6, axes, lambda params: params["n"])
    assert [(params["kind"], params["n"]) for params in found] == [(k, n) for k in "ab" for n in (1, 2, 3)]
    made = Study(f"sqlite:///{tmp_path}/grid.db", None, (LOSS,), axes, Sampling("grid"))
    assert not made.ask(), "all are tried"
    with pytest.raises(UserError, match="u: sampler=grid needs single values"):
        drawn(tmp_path, "grid", 1, {"u": Interval(0.0, 1.0)})
