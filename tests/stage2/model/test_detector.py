import pytest
import torch
from tiny_detector import alone, tiny_batch, tiny_detector

pytestmark = pytest.mark.slow


def test_trained_rows_are_what_is_read_and_what_the_settled_model_reads():
    detector = tiny_detector()
    batch = tiny_batch(detector)
    with torch.no_grad():
        before = detector.begin(batch.prompts, batch.pictures).states(batch.answers)
        detector.rows_KH.mul_(2)
        after = detector.begin(batch.prompts, batch.pictures).states(batch.answers)
        assert (after - before).abs().max() > 1e-2, "else the rows are not read"
        torch.testing.assert_close(after[0, : 1 + len(batch.ids[0])], alone(detector, batch, 0, batch.ids[0]))


def test_the_coordinates_rows_have_a_gradient_and_those_in_the_model_have_none():
    detector = tiny_detector()
    detector.input_VH().sum().backward()
    assert detector.rows_KH.grad.eq(1).all()
    inner = detector.model.get_input_embeddings().weight.grad
    assert not inner[detector.coord_ids_K].any()
    assert inner[0].eq(1).all()


def test_untied_output_rows_are_parameters_of_their_own():
    from tiny_qwen3vl import tiny_qwen3vl

    from railyard.stage2.language.tokenizer import SPECIALS
    from railyard.stage2.model.detector import Detector

    tokenizer = tiny_detector().tokenizer
    ids = {text: tokenizer.token_to_id(text) for text in SPECIALS}
    detector = Detector(tiny_qwen3vl(tokenizer.get_vocab_size(), ids, tied=False), tokenizer)
    assert not detector.is_tied
    with torch.no_grad():
        detector.output_rows_KH.fill_(3)
    assert detector.output_VH()[detector.coord_ids_K].eq(3).all()
    assert not detector.input_VH()[detector.coord_ids_K].eq(3).any()
    assert detector.settle().lm_head.weight[detector.coord_ids_K].eq(3).all()
