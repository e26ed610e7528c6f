import pytest

from railyard.core.sweeping.study import proposed
from railyard.core.training import experiment as experiments
from railyard.tlg8.features.config import MOST_DERIVED
from railyard.tlg8.ranking.modes import MODES
from railyard.tlg8.rules import check
from railyard.tlg8.training.trial_space import axes_of, columns_of, config_of

DATA = {"pack": ["p"], "batch_size": 64}
TRAINER = {"max_epochs": 1, "accelerator": "cpu"}


@pytest.mark.parametrize("mode", MODES)
def test_every_proposal_is_a_config_that_can_be_trained(mode):
    told = []
    for number in range(6):
        proposal = proposed(axes_of(mode, False), told, "maximize", 0)
        config = config_of(proposal, mode, DATA, TRAINER, 5, 0, allow_answer=False)
        experiment, faults = experiments.read(config)
        assert faults == []
        assert check(experiment) == []
        assert experiment.objective.mode == mode
        told.append((proposal, None if number == 2 else number / 10))
    assert len({str(proposal) for proposal, _ in told}) == 6
    assert told[0][0] == proposed(axes_of(mode, False), [], "maximize", 0), "what was told decides alone"


@pytest.mark.parametrize("allow_answer", [False, True])
def test_all_groups_together_are_within_the_256_values(allow_answer):
    axes = axes_of("strict", allow_answer)
    proposal = {name: axis.words[-1] for name, axis in axes.items() if name.startswith("features.")}
    config = config_of(
        {**proposal, "first_width": "16", "second_width": "0", "lr": 1e-3}, "strict", DATA, TRAINER, 5, 0, allow_answer
    )
    experiment, faults = experiments.read(config)
    assert faults == []
    features = experiment.data.features
    assert 200 < len(features.names) <= MOST_DERIVED
    assert features.is_leaky == allow_answer


def test_a_group_is_taken_under_its_transform_or_left_out():
    proposal = {"features.energies": "log1p", "features.variation": "plain", "features.filter_energies": "off"}
    assert columns_of(proposal) == [
        "log1p(score_residual_energy_by_predictor)",
        "log1p(score_best_residual_energy)",
        "log1p(score_best_filtered_energy)",
        "reorder_tv_mean",
        "reorder_tv2_mean",
    ]
