import numpy as np
import pytest
from tlg8 import noise, save

from railyard.core.errors import UserError
from railyard.tlg8.artifacts.extraction import Options, extract
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features import blocks as stretches
from railyard.tlg8.features.building import build
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.dataset import DataSet
from railyard.tlg8.features.table import table_of_contexts

FEATURES = Features(columns=["log1p(score_residual_energy_by_predictor)", "reorder_tv_mean"])


@pytest.fixture(scope="module")
def packs(tmp_path_factory):
    """Two packs: three images, one with alpha, with blocks at their edges that are not whole; and one image."""
    folder = tmp_path_factory.mktemp("packs")
    for seed, (name, components) in enumerate({"one/a.png": 3, "one/b.png": 4, "one/c.png": 3, "two/d.png": 3}.items()):
        save(folder / "art" / name, noise(np.random.default_rng(seed), components, 27, 44))
    for name in ("one", "two"):
        extract(folder / "art" / name, folder / name, Options(entropy="plain"), workers=1)
    return [folder / "one", folder / "two"]


def test_a_data_set_holds_the_eligible_blocks_of_its_packs(packs, tmp_path):
    data = build(packs, tmp_path, FEATURES, fraction=0.2)
    opened = [Pack.open(path) for path in packs]
    every = np.concatenate([pack.blocks_N for pack in opened])
    np.testing.assert_array_equal(np.load(tmp_path / "dataset" / "bits.all.npy"), every["bits"])
    eligible = (every["width"] == 8) & (every["height"] == 8) & (every["ranks"][:, 0] != every["ranks"][:, 1])
    rows = np.flatnonzero(eligible)
    assert (len(data), data.blocks) == (len(rows), len(every)) == (4 * 15, 4 * 24)
    np.testing.assert_array_equal(data.rows, rows)
    for name in ("components", "bits"):
        np.testing.assert_array_equal(getattr(data, name), every[name][rows])
    np.testing.assert_array_equal(data.labels, every["ranks"][rows])
    np.testing.assert_array_equal(data.contexts, every["context"][rows])
    np.testing.assert_array_equal(data.images, rows // 24)
    np.testing.assert_array_equal(data.packs, rows >= 72)
    assert data.manifest["images"] == ["a.png", "b.png", "c.png", "d.png"]
    assert sorted([*data.split.train, *data.split.valid]) == list(range(60))
    assert len(data.split.valid) == 12


def test_pixels_are_those_of_the_lines_without_alpha(packs, tmp_path):
    data = build(packs[:1], tmp_path, FEATURES)
    records = list(Pack.open(packs[0]).records())
    for place, row in enumerate(data.rows.tolist()):
        pixels = np.array(records[row]["pixels"], np.uint8).reshape(64, -1)
        assert data.pixels[place].tolist() == pixels[:, -3:].ravel().tolist()


def test_features_are_those_of_the_contexts(packs, tmp_path):
    data = build(packs, tmp_path, FEATURES)
    table = table_of_contexts(FEATURES, {}, data.contexts, data.components)
    assert data.features.values.tobytes() == table.values.tobytes()
    assert data.features.names == FEATURES.names


def test_a_second_spec_shares_everything_else(packs, tmp_path):
    build(packs, tmp_path, FEATURES)
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "dataset").glob("*.npy")}
    other = build(packs, tmp_path, Features(columns=["plane_l1[0:25]"]), split="image")
    assert other.features.values.shape == (60, 25)
    assert other.split.kind == "block", "a split that was drawn stays"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "dataset").glob("*.npy")} == before
    assert DataSet.open(tmp_path, FEATURES).features.values.shape == (60, 16)


def test_the_same_bytes_after_any_interruption(packs, tmp_path, monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH", 10)
    monkeypatch.setattr("railyard.tlg8.features.building.STRETCH", 10)
    monkeypatch.setattr("railyard.core.making.streams.COMMIT_SECONDS", 0)
    whole = build(packs, tmp_path / "whole", FEATURES)
    calls = 0

    class Killed(BaseException):
        """What no code catches, as a kill."""

    def interrupt(done, total, *_):
        nonlocal calls
        calls += 1
        raise Killed

    for _ in range(100):
        try:
            parts = build(packs, tmp_path / "parts", FEATURES, progress=interrupt)
            break
        except Killed:
            continue
    assert calls > 10
    for name in ("rows", "labels", "pixels", "contexts", "bits"):
        assert getattr(parts, name).tobytes() == getattr(whole, name).tobytes()
    assert parts.features.values.tobytes() == whole.features.values.tobytes()


def test_other_packs_need_another_folder(packs, tmp_path):
    build(packs[:1], tmp_path, FEATURES)
    with pytest.raises(UserError, match="is not the data set of these packs"):
        build(packs[1:], tmp_path, FEATURES)


def test_what_is_not_built_is_said(packs, tmp_path):
    with pytest.raises(UserError, match="is not made yet"):
        DataSet.open(tmp_path, FEATURES)
    build(packs[:1], tmp_path, FEATURES)
    with pytest.raises(UserError, match=r"features-\w+ is not made yet"):
        DataSet.open(tmp_path, Features(columns=["reorder_tv"]))


def test_a_pack_without_an_eligible_block_is_refused(tmp_path):
    save(tmp_path / "art" / "a.png", noise(np.random.default_rng(1), 3, 7, 30))
    extract(tmp_path / "art", tmp_path / "pack", workers=1)
    with pytest.raises(UserError, match="pack holds no eligible block"):
        build([tmp_path / "pack"], tmp_path / "run", FEATURES)
