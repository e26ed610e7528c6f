import torch
from stage2_samples import samples_for
from tiny_detector import OBJECTS, shared_tiny_detector

from railyard.core.training import distributed
from railyard.stage2.evaluation import average_precision, judging
from railyard.stage2.evaluation.judging import Judging, of_all_ranks
from railyard.stage2.language.rendering import render
from railyard.stage2.rollout.config import RolloutMatching
from railyard.stage2.rollout.hf import HfRollouts
from railyard.stage2.rollout.rollouts import Scripted


def test_images_are_judged_alike_in_any_company(monkeypatch):
    detector = shared_tiny_detector()
    samples = samples_for(detector.vocabulary)
    decode = RolloutMatching(decode_mode="sample", temperature=1.0, max_new_tokens=8)
    torch.manual_seed(0)
    wanted = torch.rand(2)
    torch.manual_seed(0)
    judge = Judging(detector, HfRollouts(detector), decode)
    together = judge(samples)
    assert torch.rand(2).equal(wanted)
    assert [image.text for image in together] == [judge([sample])[0].text for sample in samples]
    assert judge([]) == []


def test_figures_of_right_answers():
    detector = shared_tiny_detector()
    judge = Judging(detector, Scripted(detector.vocabulary, lambda _: render(OBJECTS)), RolloutMatching())
    images = judge(samples_for(detector.vocabulary))
    assert all(0 < score < 1 for image in images for score in image.confidences)
    figures = judge.figures(images)
    assert figures["eval_rollout_f1_50"] == 1
    assert figures["eval/AP"] == figures["eval/AP_loc"] == 1


def test_without_the_extra_figures_lack_average_precision(monkeypatch):
    monkeypatch.setattr(average_precision, "available", lambda: False)
    detector = shared_tiny_detector()
    figures = Judging(detector, Scripted(detector.vocabulary), RolloutMatching()).figures([])
    assert not any(name.startswith("eval/") for name in figures)
    assert "eval_rollout_f1" in figures


def test_ranks_bring_their_images_together(monkeypatch):
    detector = shared_tiny_detector()
    images = Judging(detector, Scripted(detector.vocabulary), RolloutMatching())(samples_for(detector.vocabulary))
    assert of_all_ranks(reversed(images)) == images
    monkeypatch.setattr(judging, "gathered", lambda own: [own, images[:1]])
    assert [image.line for image in of_all_ranks(images[1:])] == [1, 2, 3]
    assert distributed.world_size() == 1
