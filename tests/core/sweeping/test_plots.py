"""Every picture of a sweep is drawn: few and many trials, several objectives, failures, values far off."""

import pytest
from sweeps import LOSS, SPACE, SPEED, sweep

from railyard.core.sweeping import plots
from railyard.core.sweeping.importance import Share
from railyard.core.sweeping.points import Points, points

pytest.importorskip("matplotlib")
PNG = b"\x89PNG\r\n"


@pytest.mark.parametrize(
    ("objectives", "count"),
    [
        ((LOSS,), 1),
        ((LOSS, SPEED), 30),
        pytest.param((LOSS,), 30, marks=pytest.mark.slow),
        pytest.param((LOSS, SPEED), 1, marks=pytest.mark.slow),
    ],
)
def test_pictures_of(objectives, count, tmp_path):
    made = points(SPACE, sweep(count), objectives)
    shares = {parameter.key: Share(0.3, 0.2, 0.4) for parameter in made.parameters}
    plots.history(tmp_path / "history.png", made)
    plots.parameters(tmp_path / "parameters.png", made)
    plots.importance(tmp_path / "importance.png", made, shares)
    plots.pair(tmp_path / "pair.png", made, made.parameters[0], made.parameters[2])
    for picture in tmp_path.glob("*.png"):
        assert picture.read_bytes().startswith(PNG)


def test_a_front(tmp_path):
    plots.front(tmp_path / "front.png", points(SPACE, sweep(12), (LOSS, SPEED)))
    assert (tmp_path / "front.png").read_bytes().startswith(PNG)


def test_trials_beyond_the_axis_are_marked_at_its_edge(tmp_path, monkeypatch):
    figures = []
    monkeypatch.setattr(plots.plots, "save", lambda figure, path: figures.append(figure))
    values = [(n / 10, 100.0 - n) for n in range(12)] + [(500.0, 1.0)]
    made = Points((LOSS, SPEED), (), tuple(range(13)), tuple(values))
    plots.history(tmp_path / "history.png", made)
    plots.front(tmp_path / "front.png", made)
    loss, speed = figures[0].axes
    (loss_edge,), (speed_edge,) = (axes.collections[-1].get_offsets().tolist() for axes in (loss, speed))
    assert loss_edge == [12, loss.get_ylim()[1]]
    assert speed_edge == [12, speed.get_ylim()[0]]
    (front,) = figures[1].axes
    assert front.collections[-1].get_offsets().tolist() == [[front.get_xlim()[1], front.get_ylim()[0]]]


def test_limits_leave_out_what_is_far_off_but_never_the_best():
    values = [1.0, 1.1, 1.2, 1.3, 1.4, 1.5, 1.6, 500.0]
    low, high = plots._limits(values, LOSS)
    assert low < 1.0
    assert 1.6 < high < 3
    low, high = plots._limits([-value for value in values], SPEED)
    assert high > -1.0
    assert -3 < low < -1.6
    assert plots._limits(values[5:], LOSS)[1] > 500
    assert plots._limits([2.0], LOSS)[0] < 2 < plots._limits([2.0], LOSS)[1]


@pytest.mark.parametrize(
    ("number", "text"), [(0.01, "0.01"), (3e-4, "3e-4"), (0.0, "0"), (64.0, "64"), (0.00193518, "0.00193518")]
)
def test_numbers_on_axes_are_short(number, text):
    assert plots._plain(number) == text
