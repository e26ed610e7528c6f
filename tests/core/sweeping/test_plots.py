"""Every picture of a sweep is drawn: few and many trials, several objectives, failures, values far off."""

import pytest
from sweeps import LOSS, SPACE, SPEED, sweep

from railyard.core.sweeping import plots
from railyard.core.sweeping.importance import Share
from railyard.core.sweeping.points import points

pytest.importorskip("matplotlib")
PNG = b"\x89PNG\r\n"


@pytest.mark.parametrize("count", [1, 30])
@pytest.mark.parametrize("objectives", [(LOSS,), (LOSS, SPEED)])
def test_pictures_of(count, objectives, tmp_path):
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
