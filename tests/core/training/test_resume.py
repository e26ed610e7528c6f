"""Killed and resumed runs end with the bits of a run that was let alone. `./run prove resume` does many more."""

import copy

import pytest
import resume_harness as harness
import torch


@pytest.mark.slow
@pytest.mark.parametrize(
    ("name", "number"),
    [
        ("plain", 3),
        ("workers 2, accumulate 3", 1),
        ("max_steps, accumulate 2", 1),
        ("Muon, turned boards, average, growing batch, value heads", 3),
        ("bfloat16, action policy", 1),
        ("2 ranks, workers 2, accumulate 3", 2),
        ("mixes of two phases", 3),
        ("mixes, 2 ranks, accumulate 3", 1),
    ],
)
def test_a_killed_run_resumes_to_the_same_bits(name, number, tmp_path):
    setting = next(setting for setting in harness.SETTINGS if setting.name == name)
    for outcome in harness.trials(setting, 20, number, tmp_path):
        assert outcome.differences == [], [*map(str, outcome.kills), outcome.codes]
        late = [kill for kill in outcome.kills if kill.delay]  # may come when the run has ended
        assert outcome.hits or late, "no signal came while the run lived"


@pytest.mark.slow
@pytest.mark.parametrize("end", harness.ENDS, ids=lambda end: end.name)
def test_whatever_ends_a_fit_its_last_step_is_saved_and_gone_on_from(end, tmp_path):
    reference = harness.let_alone(end, tmp_path / "reference")
    assert harness.ended(end, 11, tmp_path / "ended", reference) == []


@pytest.mark.slow
def test_resuming_a_finished_run_changes_nothing(tmp_path):
    folder, _ = harness.uninterrupted(harness.Setting("plain"), tmp_path / "reference")
    before = {name: (folder / name).read_bytes() for name in ("metrics.jsonl", "init/model.safetensors")}
    assert harness.start(["train", f"resume={folder}"], tmp_path) == 0
    assert {name: (folder / name).read_bytes() for name in before} == before


CONTENT = {"weights": {"a": torch.tensor([1.0, 2.0])}, "steps": [1, 2], "rate": 0.5}


def changed(path, value):
    content = copy.deepcopy(CONTENT)
    node = content
    for part in path[:-1]:
        node = node[part]
    node[path[-1]] = value
    return content


@pytest.mark.parametrize(
    ("path", "value", "where"),
    [
        (("weights", "a"), torch.tensor([1.0, 2.0000002]), "x.weights.a"),
        (("weights", "a"), torch.tensor([1, 2]), "x.weights.a"),
        (("weights", "b"), 1, "x.weights: keys"),
        (("steps", 1), 3, "x.steps[1]"),
        (("steps",), [1], "x.steps: length"),
        (("rate",), 1 / 2 + 1e-16 + 1e-15, "x.rate"),
    ],
)
def test_the_comparison_sees_one_changed_bit(path, value, where):
    assert harness.unequal(CONTENT, changed(path, value), "x") == [where]


def test_the_comparison_passes_equal_bits():
    assert harness.unequal(CONTENT, copy.deepcopy(CONTENT), "x") == []


def test_zeros_of_two_signs_are_two_bit_patterns():
    assert harness.unequal(torch.tensor(0.0), torch.tensor(-0.0), "x") == ["x"]
