import pytest

from railyard.stage2.model.answers import Soft, answers


def test_answers_are_padded_on_the_right():
    found = answers([[5, 6], [], [7]])
    assert found.ids_AT.tolist() == [[5, 6], [0, 0], [7, 0]]
    assert (found.lengths_A, found.samples_A, len(found)) == ((2, 0, 1), (0, 1, 2), 3)


def test_answers_may_go_to_some_samples_in_any_order():
    assert answers([[5], [6]], [3, 1]).samples_A == (3, 1)
    with pytest.raises(ValueError, match="2 answers, but 1 samples"):
        answers([[5], [6]], [3])


def test_soft_rows_replace_a_copy_and_send_gradients_to_both():
    import torch

    embeddings, rows = torch.zeros(2, 3, 2, requires_grad=True), torch.ones(1, 2, requires_grad=True)
    put = Soft(torch.tensor([1]), torch.tensor([2]), rows).put_into(embeddings)
    assert put[1, 2].tolist() == [1, 1]
    assert not embeddings.any()
    put.sum().backward()
    assert rows.grad.tolist() == [[1, 1]]
    assert embeddings.grad[1].tolist() == [[1, 1], [1, 1], [0, 0]]
