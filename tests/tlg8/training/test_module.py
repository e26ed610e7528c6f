"""Runs of every mode from the command line: a bundle that ranks as the run did, and an evaluation of it."""

import json
from pathlib import Path

import numpy as np
import pytest
import torch

from railyard.core.runs.folder import read_config
from railyard.core.training import experiment as experiments
from railyard.core.training.checkpoint import CheckpointFolder, load
from railyard.core.training.fit import build_module
from railyard.tlg8.ranking.bundle import read_bundle

OBJECTIVES = {
    "strict": "tlg8_strict",
    "topk": "tlg8_topk",
    "rerank": "tlg8_rerank",
    "ranking": "tlg8_pairwise",
}


def hits_of(found, ranks, k):
    return float((found[:, :k, None] == ranks[:, None]).any(axis=(1, 2)).mean())


@pytest.mark.parametrize("mode", OBJECTIVES)
def test_a_bundle_ranks_as_its_run_did(mode, railyard, train_words):
    words = ["model.reranker=[8]"] if mode == "rerank" else []
    done = railyard(*train_words, f"objective={OBJECTIVES[mode]}", *words)
    assert done.code == 0, done.err
    run = Path(done.json["run"])
    bundle = read_bundle(run / "init")
    assert (bundle.facts.mode, bundle.facts.leaky) == (mode, False)
    assert bool(bundle.facts.provenance["sampling"]) == (mode in ("rerank", "ranking"))

    experiment, _ = experiments.read(read_config(run))
    data = experiment.data.build()
    module = build_module(experiment, data)
    module.load_state_dict(load(CheckpointFolder(run / "checkpoints").best())["state_dict"])
    source = data.rows("validation")
    inputs = source.inputs(source.rows)
    with torch.no_grad():
        first, second = module(torch.from_numpy(inputs))
    np.testing.assert_allclose(bundle.network.logits(inputs), first, rtol=1e-5, atol=1e-5)
    if second is not None:
        np.testing.assert_allclose(bundle.reranker.logits(inputs), second, rtol=1e-5, atol=1e-5)
    k = bundle.facts.k
    rate = hits_of(bundle.rank(inputs), data.data.labels[source.rows], k)
    assert rate == pytest.approx(done.json["best"]["metrics"][f"val/hit@{k}"], abs=0.5 / len(inputs))
    assert sum(bundle.facts.parameters.values()) == sum(weight.numel() for weight in module.parameters())


def test_a_stopped_run_goes_on_to_the_same_weights(railyard, train_words, whole_run):
    part = railyard(*train_words, "hydra.run.dir=part", "trainer.max_epochs=1", "callbacks.saver.every_n_steps=1")
    assert part.code == 0, part.err
    assert railyard("train", "resume=part", "trainer.max_epochs=2", "json=true").code == 0
    facts = [json.loads((run / "init" / "bundle.json").read_text()) for run in (whole_run, Path("part"))]
    assert facts[0]["provenance"]["sampling"] == facts[1]["provenance"]["sampling"]


def test_an_evaluation_has_all_measures_beside_the_baselines(railyard, train_words, whole_run):
    run = whole_run
    done = railyard("evaluate", f"run={run}", "json=true")
    assert done.code == 0, done.err
    found = done.json
    assert {"ranking", "estimate", "logistic regression", "greedy bits 32", "staged n=2 m=4"} <= {*found["by_method"]}
    for name, method in found["by_method"].items():
        assert {"hit@32", "value_hit@32", "regret@32", "excess_of_least@32"} <= {*method["figures"]}, name
    assert found["defects"] == []
    report = Path(found["report"]).read_text()
    assert "oracle heads of the targets" in report
    judged = read_bundle(Path(found["report"]).parent / "init").facts
    assert judged.reported["blocks"] == found["blocks"]
    assert found["metrics"].items() <= judged.reported.items()
    assert judged.model_copy(update={"reported": {}}) == read_bundle(Path(run) / "init").facts
    of_bundle = railyard("evaluate", f"bundle={run}/init", "data=tlg8_blocks", *train_words[2:4], "json=true")
    assert of_bundle.code == 0, of_bundle.err
    assert of_bundle.json["metrics"] == found["metrics"], "the features are those of the bundle"
    checkpoint = railyard("evaluate", f"ckpt_path={run}/checkpoints/best.ckpt", "json=true")
    assert checkpoint.json["metrics"] == found["metrics"]


@pytest.mark.parametrize("split", ["image", "block"])
def test_a_split_holds_out_what_it_says(split, railyard, train_words):
    done = railyard(*train_words, f"data.split={split}", "trainer.max_epochs=1")
    assert done.code == 0, done.err
    experiment, _ = experiments.read(read_config(Path(done.json["run"])))
    data = experiment.data.build()
    sides = [{*data.data.images[data.rows(side).rows].tolist()} for side in ("train", "validation")]
    assert (sides[0] & sides[1] == set()) == (split == "image")
