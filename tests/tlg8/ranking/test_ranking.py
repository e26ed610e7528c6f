import json
from pathlib import Path

import numpy as np
import pytest
from rankers import facts_of, small_network

from railyard.core.errors import UserError
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features import building
from railyard.tlg8.features.config import Features
from railyard.tlg8.ranking import ranking
from railyard.tlg8.ranking.bundle import read_bundle, write_bundle

FEATURES = Features(columns=["reorder_tv_mean"])


@pytest.fixture
def bundle(tmp_path):
    network = small_network(FEATURES.inputs)
    write_bundle(tmp_path / "bundle", facts_of(network, inputs=FEATURES.canonical()), network)
    return tmp_path / "bundle"


def test_a_pack_is_ranked_block_by_block(bundle, block_pack, railyard):
    done = railyard("rank", f"bundle={bundle}", f"source={block_pack}", "out=found", "k=5", "json=true")
    assert done.code == 0, done.err
    found = np.load("found/candidates.npy")
    assert (found.shape, found.dtype, done.json["blocks"]) == ((144, 5), np.uint16, 144)
    assert found.max() < 12288
    again = railyard("rank", f"bundle={bundle}", f"source={block_pack}", "out=found", "k=5", "workers=2", "json=true")
    assert again.json == done.json


def test_what_was_ranked_is_shown(bundle, block_pack, railyard):
    railyard("rank", f"bundle={bundle}", f"source={block_pack}", "out=found", "k=5")
    facts = railyard("show", "found", "out=drawn", "json=true").json
    assert (facts["kind"], facts["blocks"], facts["k"]) == ("tlg8 candidates", 144, 5)
    first = np.load("found/candidates.npy")[:, 0]
    ranked = first[first != ranking.NONE]
    assert facts["unranked"] == len(first) - len(ranked)
    assert facts["first"]["interleaving"].get("1", 0) == pytest.approx((ranked % 2).mean(), abs=1e-4)
    with Path("found/candidates.npy").open("r+b") as file:
        file.seek(-1, 2)
        file.write(b"\xee")
    assert railyard("show", "found").code == 1


def test_pack_and_data_set_get_the_same_tuples_in_any_stretches(bundle, block_pack, tmp_path, monkeypatch):
    whole = ranking.rank(bundle, block_pack, None, tmp_path / "whole", 1)
    monkeypatch.setattr(ranking, "TOGETHER", 10)
    ranking.rank(bundle, block_pack, None, tmp_path / "parts", 2)
    data = building.build([block_pack], tmp_path / "run", FEATURES)
    ranking.rank(bundle, tmp_path / "run", None, tmp_path / "data", 1)
    found = {name: np.load(tmp_path / name / "candidates.npy") for name in ("whole", "parts", "data")}
    assert np.array_equal(found["whole"], found["parts"])
    assert np.array_equal(found["whole"][data.rows], found["data"])
    assert whole["k"] == 32


def test_blocks_at_an_edge_have_no_candidates(bundle, tmp_path):
    from tlg8 import noise, save

    from railyard.tlg8.artifacts.extraction import extract

    save(tmp_path / "art" / "a.png", noise(np.random.default_rng(0), 3, 11, 20))
    extract(tmp_path / "art", tmp_path / "pack", workers=1)
    ranking.rank(bundle, tmp_path / "pack", 4, tmp_path / "found", 1)
    rows = Pack.open(tmp_path / "pack").blocks_N
    found = np.load(tmp_path / "found" / "candidates.npy")
    is_whole = (rows["width"] == 8) & (rows["height"] == 8)
    assert is_whole.any()
    assert not is_whole.all()
    assert np.array_equal((found != ranking.NONE).all(axis=1), is_whole)


def test_features_of_another_version_are_refused(tmp_path, block_pack):
    network = small_network(FEATURES.inputs)
    inputs = FEATURES.canonical()
    changed = {
        "features of version 99, and this Railyard computes version 1": {**inputs, "schema_version": 99},
        "does not say what its features are": {**inputs, "columns": "x"},
        "computes otherwise": {**inputs, "columns": [{**each, "price": "free"} for each in inputs["columns"]]},
    }
    for number, (sentence, given) in enumerate(changed.items()):
        write_bundle(tmp_path / str(number), facts_of(network, inputs=given), network)
        with pytest.raises(UserError, match=sentence):
            ranking.rank(tmp_path / str(number), block_pack, None, tmp_path / "out", 1)


def test_what_cannot_be_ranked_is_one_sentence(bundle, block_pack, railyard, tmp_path):
    for words, sentence in {
        ("k=769",): "gives at most 768 tuples a block: lower k=769",
        ("source=nowhere",): "there is nothing at nowhere",
        ("bundle=nowhere",): "there is nothing at nowhere",
        (f"out={bundle}",): "choose another out=",
    }.items():
        done = railyard("rank", f"bundle={bundle}", f"source={block_pack}", "out=x", *words)
        assert (done.code, sentence in done.err) == (2, True), done.err


def test_show_tells_a_bundle(bundle, railyard):
    facts = railyard("show", f"path={bundle}", "json=true").json
    assert (facts["kind"], facts["mode"], facts["candidates"]) == ("tlg8 bundle", "strict", 768)
    file = Path(bundle) / "bundle.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), "k": 3}))
    assert railyard("show", f"path={bundle}").code == 1


def test_a_bundle_of_this_schema_stays_readable():
    """The folder was written when the schema had version 1."""
    folder = Path(__file__).parents[2] / "fixtures" / "tlg8" / "bundle_v1"
    network = read_bundle(folder)
    inputs = np.linspace(-1, 1, 3 * 20, dtype=np.float32).reshape(3, 20)
    assert network.rank(inputs, 4).tolist() == json.loads((folder / "ranks.json").read_text())
