"""report.md of a sweep's folder: best, table, failures, next; without plots; without an objective."""

import pytest
from sweeps import LOSS, SPACE, SPEED, sweep

from railyard.core.runs.provenance import provenance
from railyard.core.sweeping import report
from railyard.core.sweeping.folder import SweepFolder
from railyard.core.sweeping.points import points


@pytest.fixture
def written(tmp_path):
    def write(count, objectives):
        tried = sweep(count)
        SweepFolder(tmp_path).write("train", ["a=1"], [provenance(["railyard", "train", "-m", "a=1"])] * 2)
        SweepFolder(tmp_path).write_trials([trial for trial, _ in tried])
        for trial, outcome in tried:
            (tmp_path / str(trial.number)).mkdir(exist_ok=True)
            SweepFolder(tmp_path).write_outcome(trial, outcome)
        return report.write(tmp_path, SPACE, objectives), (tmp_path / "report.md").read_text()

    return write


def test_it_names_the_best_trial_lists_all_and_says_what_failed(written, tmp_path):
    result, text = written(8, (LOSS,))
    best = points(SPACE, sweep(8), (LOSS,)).best[0]
    assert result["best"]["job"] == str(tmp_path / str(best))
    assert "8 trials: 6 complete, 1 pruned, 1 failed. To minimize val/loss" in text
    assert f"| {best} | {result['best']['val/loss']:.6g} | `model.optimizer.lr=" in text
    assert text.index(f"\n| {best} |") < text.index("## Trials")
    assert "| 5 | the device's memory is full |" in text
    assert "Not estimated: it takes 10 complete trials" in text
    assert "retry_failed" in text
    assert text.startswith(f"# sweep of train: {tmp_path.name}\n")
    assert "| command | `railyard train -m a=1` |" in text
    assert "It was gone on with 1 times, the last time at 20" in text


def test_the_table_begins_with_the_best(written):
    _, text = written(9, (SPEED,))
    rows = text.partition("## Trials")[2].splitlines()[4:11]
    speeds = [float(row.split("|")[2]) for row in rows]
    assert speeds == sorted(speeds, reverse=True)


@pytest.mark.slow
def test_plots_and_importance_of_enough_trials(written, tmp_path):
    pytest.importorskip("matplotlib")
    pytest.importorskip("sklearn")
    _, text = written(14, (LOSS,))
    for name in ("history", "parameters", "pair", "importance"):
        assert f"![{name}]({name}.png)" in text
        assert (tmp_path / f"{name}.png").exists()
    assert "between 12 trials" in text
    assert "| `model.optimizer.lr` | 0." in text


def test_a_front_for_two_objectives(written, tmp_path):
    pytest.importorskip("matplotlib")
    result, text = written(9, (LOSS, SPEED))
    assert len(result["best"]) > 1
    assert "No trial beats one of these in all objectives" in text
    assert (tmp_path / "front.png").exists()


def test_a_best_value_at_the_end_of_its_range_is_told(written):
    _, text = written(12, (SPEED,))
    assert "`model.width=16` of trial" in text
    assert "lies at the lower end of what was searched (16 to 64): beyond it may be better ones." in text
    assert text.count("lies at the") == 1


def test_without_matplotlib_it_says_how_to_get_plots(written, monkeypatch):
    monkeypatch.setattr(report, "available", lambda: False)
    assert "matplotlib is missing" in written(4, (LOSS,))[1]


def test_without_an_objective_none_is_the_best(written):
    result, text = written(4, ())
    assert "best" not in result
    assert "no trial is called the best" in text
