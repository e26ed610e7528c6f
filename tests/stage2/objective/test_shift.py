import pytest
import torch

from railyard.stage2.objective.shift import predictors


def test_a_token_is_predicted_one_position_before():
    states_BTD = torch.arange(2 * 5 * 3).reshape(2, 5, 3)
    read = predictors(states_BTD, torch.tensor([0, 1, 1]), torch.tensor([1, 4, 2]))
    assert read.tolist() == [states_BTD[0, 0].tolist(), states_BTD[1, 3].tolist(), states_BTD[1, 1].tolist()]


def test_nothing_predicts_the_first_token():
    with pytest.raises(ValueError, match="position 0"):
        predictors(torch.zeros(2, 5, 3), torch.tensor([0, 1]), torch.tensor([2, 0]))
