from itertools import product

import pytest
import torch
from hypothesis import given
from hypothesis import strategies as st

from railyard.stage2.rollout.beams import Beam, Search, rows_to_keep

END, IDS = 0, 4


def logs_of(seed):
    """A model of four ids: log-probabilities that depend on the last two tokens."""
    table = torch.randn(IDS + 1, IDS + 1, IDS, generator=torch.Generator().manual_seed(seed)).log_softmax(-1)

    def logs(ids):
        last = [IDS, IDS, *ids][-2:]
        return table[last[0], last[1]]

    return logs


def searched(logs, beams, most):
    search = Search(beams, END)
    for _ in range(most):
        if search.is_done:
            break
        search.extend(torch.stack([logs(beam.ids) for beam in search.open_]))
    return search.best


def best_of_all(logs, most):
    """The answer of highest mean log-probability among all there are."""
    every = []
    for length in range(1, most + 1):
        for ids in product(range(1, IDS), repeat=length - 1):
            for last in [END] if length < most else range(IDS):
                whole = (*ids, last)
                score = sum(logs(whole[:at])[id_].item() for at, id_ in enumerate(whole))
                every.append(Beam(whole, score))
    return list(max(every, key=lambda beam: beam.mean).ids)


@given(st.integers(0, 10**6))
def test_enough_beams_find_the_best_of_all(seed):
    logs = logs_of(seed)
    search = Search(200, END)
    for _ in range(4):
        search.extend(torch.stack([logs(beam.ids) for beam in search.open_]))
    assert search.best == best_of_all(logs, 4)


def test_two_beams_see_further_than_one():
    def logs(ids):
        table = {(): [0.0, 0.55, 0.45, 0.0], (1,): [0.3, 0.35, 0.35, 0.0], (2,): [0.99, 0.01, 0.0, 0.0]}
        return (torch.tensor(table.get(tuple(ids), [1.0, 0.0, 0.0, 0.0])) + 1e-9).log()

    assert searched(logs, 2, 3) == [2, END]


def test_an_answer_that_the_length_cuts_counts_as_it_is():
    def logs(ids):
        return torch.tensor([0.01, 0.97, 0.01, 0.01]).log()

    assert searched(logs, 2, 3) == [1, 1, 1]


def test_rows_lead_to_their_beams():
    first, second = Search(2, END), Search(2, END)
    for each, favourite in ((first, 1), (second, 2)):
        each.extend(torch.nn.functional.one_hot(torch.tensor([favourite]), IDS).float().log_softmax(-1))
    rows, ids = rows_to_keep([first, second], [1, 1])
    assert rows == [0, 0, 1, 1]
    assert ids == [beam.ids[-1] for beam in (*first.open_, *second.open_)]
    second.open_ = []
    assert rows_to_keep([first, second], [1, 1])[0] == [0, 0]


@pytest.mark.parametrize("beams", [2, 3])
def test_an_end_beyond_the_beams_is_not_taken(beams):
    search = Search(beams, END)
    logs = torch.tensor([[0.05, 0.5, 0.3, 0.15]]).log()
    search.extend(logs)
    assert search.finished == []
    assert len(search.open_) == beams
