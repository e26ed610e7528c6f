import sys

import pytest
from stage2_runs import Setup
from stage2_scenes import small_scenes

from railyard.core.config.faults import FaultyConfig
from railyard.core.errors import UserError
from railyard.stage2 import plan
from railyard.stage2.model.config import Folder, Hub, Lora, Network, Random, Rates


def told(experiment) -> dict[str, str]:
    return {line.split()[0]: line.split(maxsplit=1)[1] for line in plan.lines(experiment)}


def test_scenes_steps_parameters_and_memory_are_told(tmp_path):
    lines = told(Setup(small_scenes(tmp_path, 12)).experiment())
    assert "11 scenes to train on, 1 held out" in lines["data"]
    assert lines["steps"].startswith("6 of 2 scenes; 6 batches an epoch")
    assert lines["model"].endswith("are trained, at random")
    assert "MiB for weights, optimizer and activations" in lines["memory"]


def test_frozen_parts_are_not_trained_and_all_frozen_is_refused():
    network = Network(weights=Random())
    config = plan.config_of(network)
    assert config is not None
    total, trained = plan.counts(network, config)
    assert total == trained
    some = network.model_copy(update={"rates": Rates(text=0, vision=0)})
    assert 0 < plan.counts(some, config)[1] < trained
    none = network.model_copy(update={"rates": Rates(text=0, vision=0, merger=0, coordinates=0)})
    with pytest.raises(UserError, match="nothing would be trained"):
        plan.counts(none, config)


def test_adapters_are_counted_beside_what_they_stand_on():
    network = Network(weights=Random(), tuning=Lora(rank=4))
    config = plan.config_of(network)
    assert config is not None
    total, trained = plan.counts(network, config)
    whole, _ = plan.counts(Network(weights=Random()), config)
    rows = 1000 * 128
    assert total - whole == trained - rows > 0


@pytest.mark.slow
def test_what_is_counted_is_what_is_built():
    from tiny_detector import SHAPE, TEXTS, tiny_detector

    for tuning in (None, Lora(rank=3), Lora(rank=3, dora=True)):
        detector = tiny_detector(tuning=tuning)
        network = Network(weights=SHAPE, **({"tuning": tuning} if tuning else {}))
        total, trained = plan.counts(network, detector.model.config.to_dict())
        weights = [*detector.parameters()]
        assert total == sum(weight.numel() for weight in weights), (tuning, TEXTS)
        assert trained == sum(weight.numel() for weight in weights if weight.requires_grad)


def test_a_folder_of_another_rail_is_a_fault_of_its_key(tmp_path):
    (tmp_path / "config.json").write_text('{"hidden_size": 8}')
    setup = Setup(small_scenes(tmp_path / "s", 3), network={"weights": Folder(folder=tmp_path)})
    with pytest.raises(FaultyConfig, match="another rail"):
        plan.lines(setup.experiment())


def test_a_model_that_is_still_on_the_hub_is_not_downloaded_for_the_plan(tmp_path, monkeypatch):
    monkeypatch.setenv("HF_HUB_CACHE", str(tmp_path / "cache"))
    setup = Setup(small_scenes(tmp_path, 3), network={"weights": Hub(name="nobody/nothing", revision="main")})
    assert "downloaded from the hub before the first step" in told(setup.experiment())["model"]


@pytest.mark.slow
def test_the_plan_needs_no_torch(tmp_path):
    import subprocess

    code = "import railyard.stage2.plan, sys; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
