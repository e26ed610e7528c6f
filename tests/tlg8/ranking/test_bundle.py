import json

import numpy as np
import pytest
from rankers import facts_of, small_network

from railyard.core.errors import UserError
from railyard.core.store import durable
from railyard.tlg8.ranking.bundle import read_bundle, write_bundle
from railyard.tlg8.ranking.heads import JOINT

INPUTS = 20


@pytest.fixture
def bundle(tmp_path):
    network = small_network(INPUTS)
    write_bundle(tmp_path / "bundle", facts_of(network), network)
    return tmp_path / "bundle"


def inputs(count=9):
    return np.random.default_rng(1).normal(size=(count, INPUTS)).astype(np.float32)


def change(bundle, **facts):
    """Other facts, with a manifest that fits them."""
    file = bundle / "bundle.json"
    file.write_text(json.dumps({**json.loads(file.read_text()), **facts}))
    (bundle / "manifest.json").unlink()
    durable.write_manifest(bundle, {})


def test_a_bundle_ranks_as_its_network_does(bundle):
    read, network = read_bundle(bundle), small_network(INPUTS)
    assert np.array_equal(read.network.logits(inputs()), network.logits(inputs()))
    assert read.rank(inputs()).shape == (9, 32)
    assert np.array_equal(read.rank(inputs(), 3), read.rank(inputs(), threads=2)[:, :3])


def test_the_same_bundle_has_the_same_bytes(bundle, tmp_path):
    network = small_network(INPUTS)
    write_bundle(tmp_path / "again", facts_of(network), network)
    for name in ("bundle.json", "weights.safetensors"):
        assert (tmp_path / "again" / name).read_bytes() == (bundle / name).read_bytes()


def test_a_reranker_orders_the_candidates_of_the_first_stage(tmp_path):
    network, second = small_network(INPUTS), small_network(INPUTS, (9,), JOINT, seed=1)
    write_bundle(tmp_path / "bundle", facts_of(network, candidates=512), network, second)
    write_bundle(tmp_path / "first", facts_of(network, mode="topk", k=512), network)
    read = read_bundle(tmp_path / "bundle")
    found = read.rank(inputs(), 512)
    candidates = read_bundle(tmp_path / "first").rank(inputs(), 512)
    assert np.array_equal(np.sort(found), np.sort(candidates))
    assert not np.array_equal(found, candidates)
    assert np.array_equal(found[:, :32], read.rank(inputs()))


def test_more_tuples_than_there_are_and_other_inputs_are_refused(bundle):
    with pytest.raises(UserError, match="at most 768 tuples a block: lower k=769"):
        read_bundle(bundle).rank(inputs(), 769)
    with pytest.raises(UserError, match="trained on 20 inputs, the blocks have 19"):
        read_bundle(bundle).rank(inputs()[:, :19])


REFUSED = {
    "is of schema_version 2, newer than 1: use a newer Railyard": {"schema_version": 2},
    "is of schema_version None": {"schema_version": None},
    "is of the mode 'joint', which this version does not know: it knows strict": {"mode": "joint"},
    "heads have to be predictor": {"heads": {"predictor": [7, 5]}},
    "beams have to be a number for each head": {"beams": [9, 4, 3, 2, 4, 2]},
    "k is 769 and the beams give 768 tuples": {"k": 769},
    "leaky: Input should be a valid boolean": {"leaky": "no"},
    "a reranker belongs to the mode rerank": {"mode": "rerank"},
    "the reranker has a head colour": {"mode": "rerank", "reranker": {"candidates": 512, "heads": {"colour": [5]}}},
    "predictor.0.weight has to be finite float32 \\[8, 20\\], it is float32 \\[7, 20\\]": {
        "heads": {
            name: [8, 5] for name in ("predictor", "cf_perm", "cf_primary", "cf_secondary", "reorder", "interleave")
        }
    },
}


@pytest.mark.parametrize("sentence", REFUSED)
def test_facts_that_do_not_fit_are_one_sentence(bundle, sentence):
    change(bundle, **REFUSED[sentence])
    with pytest.raises(UserError, match=sentence) as refused:
        read_bundle(bundle)
    assert "\n" not in str(refused.value)


@pytest.mark.parametrize("name", ["bundle.json", "weights.safetensors", "manifest.json"])
def test_a_bundle_that_is_cut_off_is_refused(bundle, name):
    data = (bundle / name).read_bytes()
    (bundle / name).write_bytes(data[: len(data) // 2])
    with pytest.raises(UserError, match=name):
        read_bundle(bundle)
    (bundle / name).unlink()
    with pytest.raises(UserError, match=name.replace("bundle.json", "no bundle")):
        read_bundle(bundle)


def test_weights_that_are_no_safetensors_are_refused(bundle):
    (bundle / "weights.safetensors").write_bytes(b"\xff" * 100)
    change(bundle)
    with pytest.raises(UserError, match=r"weights.safetensors is damaged or no safetensors file"):
        read_bundle(bundle)


def test_weights_that_are_not_finite_are_refused(tmp_path):
    network = small_network(INPUTS)
    network.heads["reorder"][0][0][0, 0] = np.inf
    write_bundle(tmp_path / "bundle", facts_of(network), network)
    with pytest.raises(UserError, match=r"reorder.0.weight has to be finite"):
        read_bundle(tmp_path / "bundle")
