import json

import numpy as np
import pytest

from railyard.core.errors import UserError
from railyard.tlg8.artifacts.splits import batches_to_train_on, draw, read_split, write_split

IMAGES = np.repeat(np.arange(10, dtype=np.uint32), [10, 20, 30, 40, 50, 50, 40, 30, 20, 10])
PACKS = (np.arange(300) >= 220).astype(np.uint32)


def test_blocks_are_the_last_of_a_permutation():
    is_valid = draw("block", 1234, 0.1, IMAGES, PACKS)
    assert set(np.flatnonzero(is_valid)) == set(np.random.default_rng(1234).permutation(300)[-30:])


def test_images_are_held_out_whole():
    is_valid = draw("image", 1, 0.3, IMAGES, PACKS)
    shares = [is_valid[image == IMAGES].mean() for image in range(10)]
    assert set(shares) == {0.0, 1.0}
    assert 60 <= is_valid.sum() <= 120
    assert (draw("image", 1, 0.3, IMAGES, PACKS) == is_valid).all()
    assert any((draw("image", seed, 0.3, IMAGES, PACKS) != is_valid).any() for seed in range(2, 6))


def test_the_last_pack_is_held_out():
    np.testing.assert_array_equal(draw("pack", 1, 0.1, IMAGES, PACKS), PACKS == 1)


@pytest.mark.parametrize(("kind", "reason"), [("pack", "at least two packs"), ("image", "at least two images")])
def test_a_split_with_an_empty_side_is_refused(kind, reason):
    with pytest.raises(UserError, match=f"split={kind} needs {reason}"):
        draw(kind, 1, 0.1, np.zeros(30, np.uint32), np.zeros(30, np.uint32))
    with pytest.raises(UserError, match="split=block needs more blocks"):
        draw("block", 1, 0.1, np.zeros(3, np.uint32), np.zeros(3, np.uint32))


def test_a_split_comes_back_as_it_was_written(tmp_path):
    path, rows = tmp_path / "splits" / "split.json", np.array([1, 2, 5, 7, 9])
    write_split(path, "block", 1234, 0.4, 10, rows, np.array([0, 1, 0, 0, 1], bool))
    assert json.loads(path.read_text())["valid"] == [2, 9]
    split = read_split(path, rows)
    assert (split.kind, split.train.tolist(), split.valid.tolist()) == ("block", [0, 2, 3], [1, 4])
    with pytest.raises(UserError, match="is the split of other blocks"):
        read_split(path, np.array([1, 3, 5, 7, 9]))


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"schema_version": 2}, "is not of schema_version 1"),
        ({"kind": "half"}, "kind"),
        ({"valid": ["x"]}, "valid"),
    ],
)
def test_a_damaged_split_is_named(tmp_path, change, reason):
    path, rows = tmp_path / "split.json", np.arange(5)
    write_split(path, "block", 1, 0.2, 5, rows, rows == 3)
    path.write_text(json.dumps({**json.loads(path.read_text()), **change}))
    with pytest.raises(UserError, match=reason):
        read_split(path, rows)
    path.unlink()
    with pytest.raises(UserError, match="the run has no split"):
        read_split(path, rows)


def test_batches_are_counted_before_anything_is_split():
    assert [batches_to_train_on(100, 0.1, batch) for batch in (90, 89, 45, 1)] == [1, 1, 2, 90]
    with pytest.raises(UserError, match="batch_size=91 is larger than the blocks to train on, some 90: lower it"):
        batches_to_train_on(100, 0.1, 91)
