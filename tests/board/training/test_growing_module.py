"""The running average, batches that grow and compiled encoders, in real fits on the CPU."""

from pathlib import Path

import lightning.pytorch as pl
import pytest
import torch

from railyard.board.model.config import Encoder
from railyard.board.model.init_folder import read_init
from railyard.board.training.config import BoardModel, PackData
from railyard.board.training.macroxue_tokens import MacroxueTokens
from railyard.board.training.schedules import Constant, Cosine
from railyard.core.config.component import Foreign

pytestmark = [
    pytest.mark.filterwarnings("ignore:.*LeafSpec.*:FutureWarning"),
    pytest.mark.filterwarnings("ignore:.*is smaller than the logging interval.*"),
]

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
ENCODER = Encoder(hidden_size=16, num_hidden_layers=1, num_attention_heads=2, intermediate_size=32, dropout_prob=0.0)
ADAM = Foreign("torch.optim.AdamW", {"lr": 0.01}, True)


class Watch(pl.Callback):
    """Weights and batches of each optimizer step."""

    def __init__(self):
        self.weights, self.batches, self.divisors = [], [], []

    def on_train_start(self, trainer, module):
        self.weights.append(flat(module.encoder))

    def on_train_batch_start(self, trainer, module, batch, batch_idx):
        if trainer.global_step == len(self.batches):
            self.batches.append(0)
        self.batches[-1] += 1

    def on_train_batch_end(self, trainer, module, *_):
        if trainer.global_step == len(self.weights):
            self.divisors.append(trainer.accumulate_grad_batches)
            self.weights.append(flat(module.encoder))


def flat(encoder):
    return torch.cat([weight.detach().flatten().clone() for weight in encoder.parameters()])


def fit(model, trainer=None, total_steps=8, callbacks=()):
    torch.manual_seed(0)
    data = PackData(
        pack=FIXTURES / "03_pack",
        tokenizer=FIXTURES / "04_tokenizer_v2_8.json",
        batch_size=36,
        validation_fraction=0.2,
    ).build()
    module = model.build(data=data, objective=MacroxueTokens(), total_steps=total_steps)
    watch = Watch()
    keys = {"max_steps": total_steps, "max_epochs": None, "limit_val_batches": 0, **(trainer or {})}
    pl.Trainer(
        accelerator="cpu",
        callbacks=[watch, *callbacks],
        logger=False,
        enable_checkpointing=False,
        enable_progress_bar=False,
        enable_model_summary=False,
        **keys,
    ).fit(module, datamodule=data)
    return module, watch


def test_the_average_follows_the_weights():
    module, watch = fit(BoardModel(encoder=ENCODER, optimizer=ADAM, ema_decay=0.9))
    average = watch.weights[0]
    for step, weights in enumerate(watch.weights[1:]):
        decay = min(0.9, (1 + step) / (10 + step))
        average = decay * average + (1 - decay) * weights
    assert torch.allclose(flat(module.average), average, atol=1e-6)
    assert not torch.allclose(flat(module.average), flat(module.encoder), atol=1e-4)


def test_the_average_does_not_change_the_training():
    plain, _ = fit(BoardModel(encoder=ENCODER, optimizer=ADAM))
    averaged, _ = fit(BoardModel(encoder=ENCODER, optimizer=ADAM, ema_decay=0.9))
    assert torch.equal(flat(plain.encoder), flat(averaged.encoder))


def test_the_average_is_what_is_judged_and_kept(tmp_path):
    module, _ = fit(BoardModel(encoder=ENCODER, optimizer=ADAM, ema_decay=0.9))
    assert module.judged is module.average
    module.write_init(tmp_path / "init")
    assert torch.equal(flat(read_init(tmp_path / "init")[0]), flat(module.average))
    logged = {}
    module.log_dict = logged.update
    batches = list(module.trainer.datamodule.val_dataloader())
    module.eval().on_validation_epoch_start()
    for index, batch in enumerate(batches):
        module.validation_step(batch, index)
    module.on_validation_epoch_end()
    (batch,) = batches
    loss = MacroxueTokens().loss(module.average(batch.tokens).heads, batch.targets).total
    assert logged["val/loss"] == pytest.approx(loss.item(), rel=1e-5)
    assert any(name.startswith("average.") for name in module.state_dict())


GROWING = Cosine(grow_batch=True)


def wanted(usual, total, batches_an_epoch):
    """Batches of each step by the rule, as many as wanted once the place in the epoch is a multiple of them, and by
    how many Lightning divides the loss."""
    found, divisors, place = [], [], 0
    for step in range(total):
        batches = usual * GROWING.accumulation(step, total)
        while place % batches:
            batches //= 2
        divisors.append(batches)
        batches = min(batches, batches_an_epoch - place)
        place = (place + batches) % batches_an_epoch
        found.append(batches)
    return found, divisors


@pytest.mark.parametrize("usual", [1, 3])
@pytest.mark.parametrize("total", [8, pytest.param(17, marks=pytest.mark.slow)])
def test_the_batch_grows_with_the_step(usual, total):
    model = BoardModel(encoder=ENCODER, optimizer=ADAM, schedule=GROWING)
    module, watch = fit(model, {"accumulate_grad_batches": usual}, total)
    an_epoch = module.trainer.num_training_batches
    assert (watch.batches, watch.divisors) == wanted(usual, total, an_epoch)
    assert max(watch.batches) > usual


def test_the_batch_stays_with_other_schedules():
    keys = {"accumulate_grad_batches": 2, "limit_train_batches": 6}
    _, watch = fit(BoardModel(encoder=ENCODER, optimizer=ADAM, schedule=Constant()), keys)
    assert set(watch.batches) == {2}


@pytest.mark.filterwarnings("ignore:.*hooks will not be called on every batch.*")
def test_a_callback_may_accumulate_where_the_schedule_does_not():
    scheduler = pl.callbacks.GradientAccumulationScheduler(scheduling={0: 2, 1: 3})
    _, watch = fit(BoardModel(encoder=ENCODER, optimizer=ADAM), {"limit_train_batches": 6}, 5, [scheduler])
    assert watch.batches == [2, 2, 2, 3, 3]


def test_half_precision_trains():
    module, watch = fit(BoardModel(encoder=ENCODER, optimizer=ADAM), {"precision": "bf16-mixed"})
    assert flat(module.encoder).dtype == torch.float32
    assert not torch.equal(watch.weights[0], watch.weights[-1])


@pytest.mark.slow
@pytest.mark.filterwarnings("ignore")
def test_a_compiled_encoder_keeps_the_names_of_its_weights():
    plain, _ = fit(BoardModel(encoder=ENCODER, optimizer=ADAM, ema_decay=0.9))
    module, _ = fit(BoardModel(encoder=ENCODER, optimizer=ADAM, ema_decay=0.9, compile=True))
    assert list(module.state_dict()) == list(plain.state_dict())
    assert torch.allclose(flat(module.encoder), flat(plain.encoder), atol=1e-3)
