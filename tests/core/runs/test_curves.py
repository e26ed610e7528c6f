"""Which metrics share a picture."""

from railyard.core.runs.curves import panels


def test_names_of_one_beginning_that_are_many_share_a_plot():
    counters = [f"rollout/{number}" for number in range(9)]
    names = [
        "train/loss",
        "val/loss",
        "val/loss_a",
        "val/loss_b",
        "few/a",
        *counters,
        *(f"val/{x}" for x in "abcdefgh"),
    ]
    found = panels(names)
    assert found["rollout"] == counters
    assert found["loss"] == ["train/loss", "val/loss"]
    assert found["a"] == ["few/a", "val/a"]
    assert not {"val", "few"} & found.keys()
