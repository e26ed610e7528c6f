import torch
from tiny_detector import alone, tiny_batch, tiny_detector

from railyard.stage2.model.writing import Writing, greedy


@torch.no_grad()
def test_logits_are_those_of_whole_sequences():
    detector = tiny_detector()
    batch = tiny_batch(detector)
    session = detector.begin(batch.prompts, batch.pictures, "shared")
    writing = Writing(session)
    for token in ([4, 5, 6], [7, 8, 9]):
        writing.write(torch.tensor(token))
    writing.keep(torch.tensor([2, 0, 2]))
    writing.write(torch.tensor([10, 11, 12]))
    expected = [alone(detector, batch, 2, [6, 9, 10]), alone(detector, batch, 0, [4, 7, 11])]
    expected.append(alone(detector, batch, 2, [6, 9, 12]))
    logits = torch.stack([states[-1] @ session.output_VH.T for states in expected])
    torch.testing.assert_close(writing.logits_BV(), logits, atol=1e-5, rtol=0)


@torch.no_grad()
def test_greedy_answers_are_those_of_transformers():
    detector = tiny_detector()
    batch = tiny_batch(detector)
    with torch.no_grad():
        detector.rows_KH.mul_(0.1)  # else it writes one coordinate for ever
    found = greedy(detector.begin(batch.prompts, batch.pictures, "shared"), detector.vocabulary.im_end, 12)
    model = detector.settle().eval()
    for sample, ids in enumerate(found):
        prompt = torch.from_numpy(batch.prompts[sample])[None]
        written = model.generate(
            input_ids=prompt,
            attention_mask=torch.ones_like(prompt),
            mm_token_type_ids=(prompt == detector.image_pad).int(),
            pixel_values=torch.from_numpy(batch.patches[sample].patches_PC),
            image_grid_thw=torch.from_numpy(batch.patches[sample].grid_3)[None],
            max_new_tokens=12,
            do_sample=False,
            eos_token_id=detector.vocabulary.im_end,
        )
        assert written[0, prompt.shape[1] :].tolist() == ids


@torch.no_grad()
def test_an_answer_that_ended_is_written_no_further():
    detector = tiny_detector()
    batch = tiny_batch(detector)
    session = detector.begin(batch.prompts, batch.pictures, "shared")
    first = int(Writing(session).logits_BV()[1].argmax())
    assert greedy(session, first, 5)[1] == [first]
