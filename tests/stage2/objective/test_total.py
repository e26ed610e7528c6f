"""The weighted total."""

import pytest
import torch

from railyard.stage2.objective.config import Stage2AB
from railyard.stage2.objective.total import COORD_TERMS, coord, total

WEIGHTS = {"bbox_smoothl1": 2.0, "bbox_ciou": 1.0, "coord_gate": 0.5, "coord_entropy": -0.1}


def test_total_is_ce_plus_weighted_terms():
    values = {"ce": 3.0, "bbox_smoothl1": 0.1, "bbox_ciou": 0.7, "coord_entropy": 4.0}
    assert coord(values, WEIGHTS) == pytest.approx(0.2 + 0.7 - 0.4)
    assert total(values, WEIGHTS) == pytest.approx(3.5)
    assert total({"ce": 3.0}, WEIGHTS) == 3
    assert total({"bbox_ciou": 0.7}, WEIGHTS) == 0.7
    assert total({}, WEIGHTS) == 0


def test_gradients_reach_every_term():
    ce, gate = torch.tensor(2.0, requires_grad=True), torch.tensor(4.0, requires_grad=True)
    total({"ce": ce, "coord_gate": gate}, WEIGHTS).backward()
    assert (ce.grad, gate.grad) == (1, 0.5)


@pytest.mark.parametrize("term", ["bbox_giou", "coord_w1"])
def test_a_term_needs_a_name_and_a_weight(term):
    with pytest.raises(ValueError, match=f"'{term}' is no term with a weight"):
        total({term: 1.0}, WEIGHTS)


def test_every_term_has_a_weight_in_the_settings_and_none_is_giou():
    weights = {name.removesuffix("_weight") for name in Stage2AB.model_fields if name.endswith("_weight")}
    assert weights - {"desc_ce"} == set(COORD_TERMS)
    assert not any("giou" in term for term in COORD_TERMS)
