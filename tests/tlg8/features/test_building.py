import hashlib
import json
import re
import shutil

import numpy as np
import pytest
from tlg8 import noise, save

from railyard.core.errors import UserError
from railyard.tlg8.artifacts.extraction import Options, extract
from railyard.tlg8.artifacts.labels import LABEL, dataset_sha256
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features import stretches
from railyard.tlg8.features.building import build
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.dataset import SHARED, DataSet
from railyard.tlg8.features.projections import projections_of
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
    before = {path: path.stat().st_mtime_ns for path in (tmp_path / "dataset" / "blocks").glob("*.npy")}
    other = build(packs, tmp_path, Features(columns=["plane_l1[0:25]"]), split="image")
    assert other.features.values.shape == (60, 25)
    assert other.split.kind == "block", "a split that was drawn stays"
    assert {path: path.stat().st_mtime_ns for path in (tmp_path / "dataset" / "blocks").glob("*.npy")} == before
    assert DataSet.open(tmp_path, FEATURES).features.values.shape == (60, 16)


def test_the_same_bytes_after_any_interruption(packs, tmp_path, monkeypatch):
    monkeypatch.setattr(stretches, "STRETCH", 10)
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
    with pytest.raises(UserError, match="is not this part of the data set of these packs"):
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


ANY = Features(
    columns=[
        "score_bits_plain_hilbert_none_min_by_filter_top2pred",
        "reorder_tv2_mean",
        "log1p(score_filtered_energy_min_by_perm)",
        "pixel_dct",
        "pixels_left_rgb[0:3]",
    ]
)


@pytest.fixture
def lines_only(packs, tmp_path):
    """The first pack without its contexts."""
    shutil.copytree(packs[0], tmp_path / "lines")
    (tmp_path / "lines" / "blocks.npy").unlink()
    return tmp_path / "lines"


def test_a_data_set_of_lines_is_that_of_contexts_bit_by_bit(packs, lines_only, tmp_path):
    of_contexts = build(packs[:1], tmp_path / "a", ANY)
    of_lines = build([lines_only], tmp_path / "b", ANY)
    for name in SHARED:
        assert getattr(of_contexts, name).tobytes() == getattr(of_lines, name).tobytes(), name
    assert of_contexts.features.values.tobytes() == of_lines.features.values.tobytes()
    assert of_contexts.features.known.tobytes() == of_lines.features.known.tobytes()
    assert not of_lines.features.known.all(), "some scores were not evaluated"
    assert projections_of(of_contexts).projections.tobytes() == projections_of(of_lines).projections.tobytes()
    bits = "bits.all.npy"
    assert (tmp_path / "a" / "dataset" / bits).read_bytes() == (tmp_path / "b" / "dataset" / bits).read_bytes()
    assert (of_lines.contexts, of_contexts.contexts.shape) == (None, (45, 4, 9, 10))


def test_features_of_training_are_those_of_an_encoder_bit_by_bit(packs, tmp_path):
    data = build(packs, tmp_path, ANY)
    table = table_of_contexts(ANY, {}, data.contexts, data.components)
    assert data.features.values.tobytes() == table.values.tobytes()
    assert data.features.known.tobytes() == table.known.tobytes()


def test_ungated_targets_are_no_more_than_the_best(packs, tmp_path):
    data = build(packs[:1], tmp_path, FEATURES, with_ungated=True)
    pairs, classes = data.ungated
    assert (pairs.shape, classes.shape) == ((45, 768), (45, 32))
    assert (pairs.min(axis=1) <= data.bits[:, 0]).all()
    assert (classes[:, :8].min(axis=1) == pairs.min(axis=1)).all()


def test_bins_have_equal_shares_of_the_training_blocks(packs, tmp_path):
    features = Features(columns=["bins(score_residual_energy_by_predictor[0], 4)"])
    data = build(packs, tmp_path, features, fraction=0.2)
    counts = np.bincount(data.features.values[data.split.train, 0].astype(int))
    assert [counts.sum(), len(counts), np.ptp(counts) <= 2] == [48, 4, True]
    again = table_of_contexts(features, data.edges, data.contexts, data.components)
    assert data.features.values.tobytes() == again.values.tobytes()


def test_what_a_pack_of_lines_lacks_is_said(lines_only, tmp_path):
    with pytest.raises(UserError, match=r"has no blocks.npy, and plane_l1 is computed from contexts"):
        build([lines_only], tmp_path / "run", Features(columns=["plane_l1[0:25]"]))
    with pytest.raises(UserError, match=r"has no blocks.npy to compute them from"):
        build([lines_only], tmp_path / "run", FEATURES, with_ungated=True)
    strip_extractor(lines_only)
    with pytest.raises(UserError, match="pixels_left_rgb holds anything"):
        build([lines_only], tmp_path / "run", ANY)


def cut_lines(pack):
    path = pack / "training.all.jsonl"
    path.write_bytes(b"".join(path.read_bytes().splitlines(keepends=True)[:-1]))


def add_line(pack):
    path = pack / "training.all.jsonl"
    path.write_bytes(path.read_bytes() + path.read_bytes().splitlines(keepends=True)[-1])


def other_line(pack):
    path = pack / "training.all.jsonl"
    lines = path.read_bytes().splitlines(keepends=True)
    path.write_bytes(b"".join([*lines[:4], lines[40], *lines[5:]]))


def nan_line(pack):
    path = pack / "training.all.jsonl"
    path.write_bytes(re.sub(rb'"reorder_tv_mean":\[[^,]*', b'"reorder_tv_mean":[NaN', path.read_bytes(), count=1))


def wrong_class(pack):
    meta, path = json.loads((pack / "labels.meta.json").read_text()), pack / "labels.all.bin"
    labels = np.fromfile(path, LABEL)
    labels["labels"][2, 0] = 8
    path.write_bytes(labels.tobytes())
    shares = [(each["relpath"], each["record_count"]) for each in meta["inputs"]]
    hashes, first = [], 0
    for relpath, count in shares:
        hashes.append((relpath, count, hashlib.sha256(labels[first : first + count].tobytes()).hexdigest()))
        first += count
    meta["dataset_sha256"] = dataset_sha256(hashes)
    (pack / "labels.meta.json").write_text(json.dumps(meta))


DAMAGE = {
    r"training.all.jsonl has 71 lines for 72 labels": cut_lines,
    r"training.all.jsonl has more lines than labels.all.bin has labels, 72": add_line,
    r"training.all.jsonl, line 5: `best` is not that of labels.all.bin": other_line,
    r"training.all.jsonl, line 1: `reorder_tv_mean`, value 0, is nan": nan_line,
    r"labels.all.bin: record 3: best_predictor is 8, and classes go from 0 to 7": wrong_class,
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_damage_is_named_and_nothing_is_left(reason, lines_only, tmp_path):
    DAMAGE[reason](lines_only)
    with pytest.raises(UserError, match=reason):
        build([lines_only], tmp_path / "run", FEATURES)
    assert not [*(tmp_path / "run").rglob("*.npy")]


CONTEXT_DAMAGE = {
    "row 2: components has to be 3 or 4": ("components", 2),
    "row 2: a rank is not below 12288": ("ranks", 12288),
    "row 2: its tuples are not those of labels.all.bin": ("ranks", 77),
}


@pytest.mark.parametrize("reason", CONTEXT_DAMAGE)
def test_a_damaged_row_of_contexts_is_named(reason, packs, tmp_path):
    shutil.copytree(packs[0], tmp_path / "pack")
    name, value = CONTEXT_DAMAGE[reason]
    rows = np.load(tmp_path / "pack" / "blocks.npy")
    rows[name][1] = value
    np.save(tmp_path / "pack" / "blocks.npy", rows)
    with pytest.raises(UserError, match=f"blocks.npy: {reason}"):
        build([tmp_path / "pack"], tmp_path / "run", FEATURES)


def test_a_sidecar_that_is_gone_is_missed(packs, tmp_path):
    build(packs, tmp_path, FEATURES)
    (tmp_path / "dataset" / "bits.all.npy").unlink()
    with pytest.raises(UserError, match=r"bits\.all\.npy is missing: restore it"):
        build(packs, tmp_path, FEATURES)


def strip_extractor(pack):
    meta = json.loads((pack / "labels.meta.json").read_text())
    del meta["extractor"]
    (pack / "labels.meta.json").write_text(json.dumps(meta))


def test_neighbours_of_the_references_lines_are_trusted_only_where_contexts_have_them(packs, lines_only, tmp_path):
    shutil.copytree(packs[1], tmp_path / "reference")
    strip_extractor(tmp_path / "reference")
    assert len(build([tmp_path / "reference"], tmp_path / "a", ANY)) == 15
    with pytest.raises(UserError, match="reference was written by the reference, whose pixels_left_rgb"):
        build([tmp_path / "reference", lines_only], tmp_path / "b", ANY)


def test_pixels_alone_are_a_data_set(packs, tmp_path):
    data = build(packs, tmp_path, Features(columns=[]))
    assert (data.features.values.shape, data.pixels.shape) == ((60, 0), (60, 192))
