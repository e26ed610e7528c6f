from types import SimpleNamespace

import pytest
import torch
from stage2_samples import samples_for
from tiny_detector import OBJECTS, alone, shared_tiny_detector

from railyard.stage2.evaluation.confidence import REACH, confidences, near_mass
from railyard.stage2.language.rendering import render
from railyard.stage2.rollout.parsing import parse


def test_mass_near_a_bin_is_that_of_its_neighbours_inside_the_image():
    logits = torch.randn(4, 1000, generator=torch.Generator().manual_seed(0), dtype=torch.float64)
    bins = torch.tensor([0, 10, 500, 999])
    expected = [
        sum(row.softmax(-1)[max(0, bin_ - REACH) : bin_ + REACH + 1].tolist())
        for row, bin_ in zip(logits, bins.tolist(), strict=True)
    ]
    assert near_mass(logits, bins).tolist() == pytest.approx(expected, rel=1e-3)
    sure = torch.full((1, 1000), -50.0)
    sure[0, 503] = 50
    assert near_mass(sure, torch.tensor([500])).item() == pytest.approx(1)
    assert near_mass(sure, torch.tensor([530])).item() == pytest.approx(0, abs=1e-5)


def test_a_box_counts_by_the_geometric_mean_of_its_coordinates():
    detector = shared_tiny_detector()
    samples = samples_for(detector.vocabulary)
    texts = [render(OBJECTS), "{}", render(OBJECTS[:1]) + "<|im_end|>" + render(OBJECTS)]
    rollouts = [detector.vocabulary.encode(text) for text in texts]
    found = confidences(detector, samples, rollouts)
    assert [len(each) for each in found] == [2, 0, 1]
    batch = SimpleNamespace(prompts=[s.prompt_T for s in samples], patches=[s.patches for s in samples])
    for sample in (0, 2):
        with torch.no_grad():
            states_TH = alone(detector, batch, sample, rollouts[sample])
            logits_TK = states_TH @ detector.output_VH()[detector.coord_ids_K].T
        for each, score in zip(parse(rollouts[sample], detector.vocabulary).predictions, found[sample], strict=True):
            masses = [
                logits_TK[slot].softmax(-1)[max(0, bin_ - 20) : bin_ + 21].sum().item()
                for slot, bin_ in zip(each.slots, each.box, strict=True)
            ]
            product = masses[0] * masses[1] * masses[2] * masses[3]
            assert score == pytest.approx(product**0.25, rel=1e-3)
