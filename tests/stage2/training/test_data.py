"""Scenes as batches: sides that never mix, an order for each epoch, windows that repeat, a place that is kept."""

from itertools import chain, islice
from types import SimpleNamespace

import pytest
from stage2_scenes import small_scenes, vocabulary_for

from railyard.core.errors import UserError
from railyard.stage2.language.chat import prompt_text
from railyard.stage2.language.prompts import PROMPT
from railyard.stage2.scenes import records
from railyard.stage2.training.config import SceneData


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    return small_scenes(tmp_path_factory.mktemp("scenes") / "made", n=12)


@pytest.fixture(scope="module")
def vocabulary(file):
    return vocabulary_for(file)


def module(file, vocabulary=None, accumulate=1, rank=0, world=1, learning=(), **keys):
    data = SceneData(scenes=file, **{"batch_size": 2, "validation_fraction": 0.25, **keys}).build()
    data.trainer = SimpleNamespace(accumulate_grad_batches=accumulate, global_rank=rank, world_size=world)
    if vocabulary:
        data.learn_with(vocabulary, *learning)
    return data


def lines_of(batches):
    return [[sample.line for sample in batch] for batch in batches]


def joined(batches):
    return list(chain.from_iterable(batches))


def stream(data, batches):
    """Lines of the micro-batches that the training loader hands out."""
    return [[s.line for s in micro.batch or ()] for micro in islice(data.train_dataloader(), batches)]


def test_sides_never_mix_and_miss_nothing(file, vocabulary):
    data = module(file, vocabulary)
    trained, held_out = joined(stream(data, 5)), joined(lines_of(data.val_dataloader()))
    assert len(trained) == 9
    assert held_out == sorted(held_out)
    assert sorted(trained + held_out) == list(range(1, 13))
    other = module(file, vocabulary, split_seed=1)
    assert joined(lines_of(other.val_dataloader())) != held_out
    assert joined(lines_of(module(file, vocabulary, batch_size=4).val_dataloader())) == held_out


def test_validation_may_be_a_file_of_its_own(file, vocabulary, tmp_path):
    other = small_scenes(tmp_path / "other", n=5, seed=1)
    data = module(file, vocabulary, validation=other, validation_limit=3)
    assert data.facts()["train_scenes"] == 12
    assert data.facts()["validation_scenes"] == 5
    assert lines_of(data.val_dataloader()) == [[1, 2, 3]]
    assert lines_of(data.sequential("validation", 4)) == [[1, 2, 3, 4], [5]]
    assert data.facts()["validation_fingerprint"] != data.facts()["scenes_fingerprint"]


def test_every_epoch_has_another_order_of_the_same_scenes(file, vocabulary):
    batches = stream(module(file, vocabulary), 10)
    first, second = joined(batches[:5]), joined(batches[5:])
    assert first != second
    assert sorted(first) == sorted(second)
    still = stream(module(file, vocabulary, shuffle=False), 5)
    assert joined(still) == sorted(first)


def test_two_ranks_share_out_the_batches_of_one(file, vocabulary):
    alone = stream(module(file, vocabulary, batch_size=4), 3)
    halves = [stream(module(file, vocabulary, rank=rank, world=2), 3) for rank in (0, 1)]
    assert [left + right for left, right in zip(*halves, strict=True)] == alone


def test_windows_of_channel_b_repeat_and_a_short_one_does_not(file, vocabulary):
    data = module(file, vocabulary, accumulate=2, learning=(1.0, 2))
    taken = stream(data, 14)
    once = stream(module(file, vocabulary), 5)
    first, second, short = once[:2], once[2:4], [once[4], []]
    assert taken[:10] == first * 2 + second * 2 + short
    assert data.train_batches() == 6


def test_a_windows_samples_do_not_depend_on_how_it_is_cut(file, vocabulary):
    expected = None
    for accumulate, batch_size, batches in ((1, 4, 3), (2, 2, 6), (4, 1, 12)):
        loader = module(file, vocabulary, accumulate=accumulate, batch_size=batch_size).train_dataloader()
        micro = list(islice(loader, batches))
        windows = [
            [(place + i, s.line) for batch, place in zip(m.batches, m.places, strict=True) for i, s in enumerate(batch)]
            for m in micro[::accumulate]
        ]
        expected = expected or windows
        assert windows == expected


def test_a_place_is_kept(file, vocabulary):
    whole = stream(module(file, vocabulary, accumulate=2), 12)
    loader = module(file, vocabulary, accumulate=2).train_dataloader()
    list(islice(loader, 4))
    later = module(file, vocabulary, accumulate=2).train_dataloader()
    later.load_state_dict(loader.state_dict())
    assert [[s.line for s in micro.batch or ()] for micro in islice(later, 8)] == whole[4:]


def test_a_tokenizer_is_made_from_what_is_trained_on(file):
    texts = list(module(file).texts())
    assert texts[0] == prompt_text(PROMPT)
    assert len(texts) == 1 + 9


def test_facts_tell_files_apart(file, tmp_path):
    facts = module(file).facts()
    assert facts["scenes"] == str(file)
    assert facts["train_scenes"] + facts["validation_scenes"] == 12
    assert module(small_scenes(tmp_path / "b", seed=9)).facts()["scenes_fingerprint"] != facts["scenes_fingerprint"]


def test_one_scene_alone_cannot_be_split(tmp_path):
    file = small_scenes(tmp_path / "one", n=1)
    with pytest.raises(UserError, match=r"has one scene, and a share of them is held out: give data\.validation="):
        module(file)


def test_a_scene_that_changed_meanwhile_is_told_with_its_line(tmp_path, vocabulary):
    file = small_scenes(tmp_path / "own", n=3)
    data = module(file, vocabulary)
    scene = list(records.read(file))[1]
    (file.parent / scene.image).unlink()
    with pytest.raises(UserError, match=r"line 2: the image .* is missing"):
        stream(data, 2), list(data.val_dataloader())


def test_without_a_vocabulary_nothing_is_read(file):
    with pytest.raises(ValueError, match="vocabulary"):
        module(file).rows("train")
