"""Optimizer groups, validation figures, the init folder."""

from pathlib import Path
from types import SimpleNamespace

import pytest
import torch
from pydantic import ValidationError
from resume_harness import TINY, VALUE_HEADS

from railyard.board.model.config import Encoder
from railyard.board.model.init_folder import read_init
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.module import ScoreSums
from railyard.board.training.optimizers import decay_groups
from railyard.board.training.outcomes import DiesWithin, Reaches
from railyard.board.training.schedules import Cosine
from railyard.core.config.component import Foreign
from railyard.core.runs import metrics

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
ENCODER = Encoder(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32)
ADAM = Foreign("torch.optim.AdamW", {"lr": 0.5, "weight_decay": 0.25}, True)


@pytest.fixture(scope="module")
def data():
    return PackData(
        pack=FIXTURES / "03_pack", tokenizer=FIXTURES / "04_tokenizer_v2_8.json", validation_fraction=0.2
    ).build()


@pytest.fixture
def module(data):
    torch.manual_seed(0)
    knobs = BoardModel(encoder=ENCODER, optimizer=ADAM, schedule=Cosine(warmup_steps=4))
    return knobs.build(data=data, objective=MacroxueTokens(), total_steps=10)


def test_only_matrices_that_are_no_embeddings_decay(module):
    decayed, plain = decay_groups(module, {"weight_decay": 0.25})
    assert (decayed["weight_decay"], plain["weight_decay"]) == (0.25, 0.0)
    embeddings = [part.weight for part in module.modules() if isinstance(part, torch.nn.Embedding)]
    assert embeddings
    for weight in module.parameters():
        wanted = weight.ndim >= 2 and not any(weight is each for each in embeddings)
        assert any(weight is each for each in (decayed if wanted else plain)["params"])


def test_every_weight_is_in_one_group(module):
    groups = decay_groups(module, {})
    assert sum(len(group["params"]) for group in groups) == len(list(module.parameters()))


def test_the_schedule_scales_the_base_rate(module):
    built = module.configure_optimizers()
    rates = []
    for _ in range(4):
        rates.append(built["optimizer"].param_groups[0]["lr"])
        built["optimizer"].step()
        built["lr_scheduler"]["scheduler"].step()
    assert rates == [0.125, 0.25, 0.375, 0.5]
    assert built["lr_scheduler"]["interval"] == "step"


def validated(module, data, batch_size):
    module.eval()
    logged = {}
    module.log_dict = lambda values, sync_dist: logged.update(values)
    module.on_validation_epoch_start()
    with torch.no_grad():
        for index, batch in enumerate(data.sequential("validation", batch_size)):
            module.validation_step(batch, index)
    module.on_validation_epoch_end()
    return logged


def test_validation_does_not_depend_on_the_batch_size(module, data):
    whole = validated(module, data, 1000)
    assert "val/loss" in whole
    for batch_size in (1, 7, 33):
        assert validated(module, data, batch_size) == pytest.approx(whole, rel=1e-5)


HEADS = {"p_die": DiesWithin(moves=20), "reach": Reaches(tile=2048)}


def with_heads(data, **keys):
    torch.manual_seed(0)
    knobs = BoardModel(encoder=ENCODER, optimizer=ADAM, value_heads=HEADS, **keys)
    return knobs.build(data=data, objective=MacroxueTokens(), total_steps=10)


@pytest.fixture
def valued():
    return PackData(
        pack=FIXTURES / "03_pack", tokenizer=FIXTURES / "04_tokenizer_v2_8.json", validation_fraction=0.2
    ).build()


def training_loss(module, batch):
    module.eval()
    logged = {}
    module.log = lambda name, value: logged.update({name: value.item()})
    return module.training_step(batch, 0), logged


def test_value_heads_add_their_weighted_loss(valued, module):
    learning = with_heads(valued, value_weight=3.0)
    batch = next(iter(valued.sequential("validation", 64)))
    loss, logged = training_loss(learning, batch)
    plain, _ = training_loss(module, batch._replace(values=batch.values[:, :0]))
    heads = logged["train/value_p_die_loss"] + logged["train/value_reach_loss"]
    assert heads > 0.1
    assert loss.item() == pytest.approx(plain.item() + 3 * heads)
    loss.backward()
    assert learning.encoder.value_heads["p_die"].weight.grad.abs().sum() > 0


def test_the_rest_of_a_network_with_value_heads_begins_as_without(valued, module):
    weights = with_heads(valued).encoder.state_dict()
    assert all(torch.equal(weights[name], weight) for name, weight in module.encoder.state_dict().items())
    assert len(weights) == len(module.encoder.state_dict()) + 4


def test_validation_tells_loss_and_brier_score_by_head(valued, module, data):
    learning = with_heads(valued)
    whole = validated(learning, valued, 1000)
    own = {name: value for name, value in whole.items() if "value_" in name}
    assert set(own) == {f"val/value_{name}_{figure}" for name in HEADS for figure in ("loss", "brier")}
    assert {name: value for name, value in whole.items() if name not in own} == validated(module, data, 1000)
    assert validated(learning, valued, 7) == pytest.approx(whole, rel=1e-5)


def test_heads_in_the_config_of_an_encoder_are_refused():
    with pytest.raises(ValidationError, match=r"say what each head learns in model\.value_heads"):
        BoardModel(encoder=ENCODER.with_value_heads(["p_die"]), optimizer=ADAM)


@pytest.mark.parametrize("name", ["p.die", "", "p-die", "9"])
def test_a_name_that_no_weight_can_have_is_refused(name):
    with pytest.raises(ValidationError, match="should match pattern"):
        BoardModel(encoder=ENCODER, optimizer=ADAM, value_heads={name: Reaches(tile=64)})


@pytest.mark.slow
def test_a_run_with_value_heads_is_evaluated_and_replayed(railyard, work):
    done = railyard("train", *TINY, *VALUE_HEADS, "model.ema_decay=0.9", "trainer.max_epochs=1", "hydra.run.dir=run")
    assert done.code == 0, done.err
    rows = [row for row in metrics.read(work / "run") if "val/loss" in row]
    assert {"val/value_p_die_brier", "val/value_reach_2048_loss"} <= rows[-1].keys()
    found = railyard("evaluate", "run=run", "json=true")
    assert found.code == 0, found.err
    for name in ("p_die", "reach_2048"):
        head = found.json["value_heads"][name]
        assert head["metrics"]["brier"] == pytest.approx(rows[-1][f"val/value_{name}_brier"], abs=1e-6)
        assert f"## Value head {name}" in Path(found.json["report"]).read_text()
    again = railyard("replay", "run=run", "json=true")
    assert (again.code, again.json["identical"]) == (0, True), again.err


def test_a_second_validation_starts_from_zero(module, data):
    assert validated(module, data, 33) == validated(module, data, 33)


def test_a_rank_without_rows_adds_nothing(module, data):
    """Of three ranks that share a last batch of two rows, one has none."""
    batches = [*data.sequential("validation", 1000)]
    empty = type(batches[0])(*(part[:0] for part in batches[0]))
    whole = validated(module, data, 1000)
    assert validated(module, SimpleNamespace(sequential=lambda *_: [empty, *batches, empty]), 0) == whole


def test_sums_are_kept_in_float64():
    sums = ScoreSums()
    for _ in range(3):
        sums.add({"a": torch.tensor([2.0**24, 1.0], dtype=torch.float32)})
    assert sums.totals() == (6.0, {"a": 3 * (2.0**24 + 1)})


def test_the_init_folder_holds_the_encoder_and_its_tokenizer(module, data, tmp_path):
    module.write_init(tmp_path / "init")
    encoder, tokenizer = read_init(tmp_path / "init")
    for name, weight in module.encoder.state_dict().items():
        assert torch.equal(weight, encoder.state_dict()[name])
    assert tokenizer == data.tokenizer.to_json()
