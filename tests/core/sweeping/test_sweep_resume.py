"""Sweeps killed and gone on with end like a sweep that was let alone. `./run prove sweep` and `race` do many more."""

import shutil
import signal

import pytest
import sweep_harness as harness


@pytest.fixture(scope="module")
def reference(tmp_path_factory):
    return harness.uninterrupted(tmp_path_factory.mktemp("reference") / "work")


@pytest.mark.slow
@pytest.mark.parametrize(
    ("setting", "kills"),
    [
        (harness.SETTINGS[0], [harness.Kill(signal.SIGKILL, False, 0, 0.4)]),
        (
            harness.SETTINGS[0],
            [harness.Kill(signal.SIGTERM, False, 1, 0.2), harness.Kill(signal.SIGKILL, True, 1, 0.0)],
        ),
        (harness.SETTINGS[1], [harness.Kill(signal.SIGINT, True, 1, 0.1)]),
    ],
)
def test_a_killed_sweep_loses_and_repeats_no_job(setting, kills, reference, tmp_path):
    trial = harness.interrupted(setting, tuple(kills), tmp_path / "work", reference)
    assert trial.differences == [], [*map(str, trial.kills), trial.codes]
    assert trial.hits == kills, "a signal came when the sweep had ended"


@pytest.mark.slow
def test_the_comparison_sees_what_is_lost_or_other(reference, tmp_path):
    other = tmp_path / "other"
    shutil.copytree(reference, other, symlinks=True)
    assert harness.differences(reference, other) == []
    for name in ("metrics.jsonl", "outcome.json"):
        file = other / "2" / name
        file.write_text(file.read_text().replace("val/loss", "val/lass", 1))
    assert harness.differences(reference, other)[:2] == ["2: metrics", "2: metrics.jsonl"]
    (other / "1" / "outcome.json").unlink()
    assert harness.differences(reference, other) == ["jobs 0, 2, 3"]


@pytest.mark.slow
@pytest.mark.parametrize(("swept", "same_name"), [(False, True), (True, True), (True, False)])
def test_two_calls_of_one_second_do_not_collide(swept, same_name, tmp_path):
    assert harness.race(tmp_path / "work", swept, same_name) == []
