"""How parameters of trials are drawn: within the axes, the same again, and nearer to what was good."""

import pytest

from railyard.core.errors import UserError
from railyard.core.sweeping.optimized_metric import OptimizedMetric
from railyard.core.sweeping.sampling import Sampling
from railyard.core.sweeping.space import Choice, Interval, Steps
from railyard.core.sweeping.study import Study

pytest.importorskip("optuna")

LOSS = OptimizedMetric("loss", "minimize")
SPACE = {
    "lr": Interval(1e-4, 1e-1, log=True),
    "n": Interval(1, 4, whole=True),
    "s": Steps(0.5, 1.5, 0.5),
    "x": Interval(0.0, 1.0),
    "kind": Choice(("a", "b")),
}


def drawn(tmp_path, sampler, count, axes=SPACE, value=lambda params: params["n"], **sampling):
    made = Study(f"sqlite:///{tmp_path}/{sampler}.db", None, (LOSS,), axes, Sampling(sampler, **sampling))
    for number in range(count):
        assert made.ask()
        made.tell(number, [float(value(made.trials()[-1].params))])
    return [trial.params for trial in made.trials()]


@pytest.mark.parametrize("sampler", ["qmc", "random", "nsgaii", pytest.param("gp", marks=pytest.mark.slow)])
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


PLANE = {"x": Interval(0.0, 1.0), "y": Interval(0.0, 1.0)}


def from_the_best(params):
    return (params["x"] - 0.3) ** 2 + (params["y"] - 0.7) ** 2


def test_generations_come_nearer(tmp_path):
    found = list(map(from_the_best, drawn(tmp_path, "nsgaii", 48, PLANE, from_the_best, startup=8)))
    assert sum(found[-16:]) < sum(found[:16]) / 1.5


@pytest.mark.slow
def test_a_gaussian_process_finds_the_lowest_point(tmp_path):
    found = drawn(tmp_path, "gp", 14, PLANE, from_the_best, startup=6)
    assert min(map(from_the_best, found[6:])) < 1e-3 < min(map(from_the_best, found[:6]))


def test_a_trial_of_generations_is_unlike_all_before(tmp_path):
    axes = {"kind": Choice(("a", "b")), "n": Steps(1, 3, 1)}
    found = drawn(tmp_path, "nsgaii", 6, axes, startup=2)
    assert len({(params["kind"], params["n"]) for params in found}) == 6
