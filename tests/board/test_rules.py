"""Rules between the parts of a board experiment, and the sizes of the recipes that name one."""

import pytest

from railyard.apps.train import Train
from railyard.board.model.config import parameter_count
from railyard.core.config.compose import Composition
from railyard.core.errors import UserError
from railyard.core.verbs import launch

GROWING = ("model.schedule.grow_batch=true",)
PUBLISHED = {"10m": (12_181_828, 4), "50m": (50_433_164, 35)}


def experiment(*words):
    words = ["data.pack=p", "data.tokenizer=t", *words]
    return launch.check("train", Train, Composition("train", words), words).root


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (("data.tokenizer=null",), r"data\.tokenizer: training needs one"),
        (("objective=null",), r"objective: .*board_binned_ev, board_hard_move or board_macroxue_tokens"),
        (
            ("objective=board_hard_move",),
            r"model\.encoder\.head_type: .* to action_policy",
        ),
        (("model.encoder.head_type=action_policy",), r"macroxue_tokens learns classes a head"),
        (
            ("objective=board_binned_ev", "model.encoder.head_type=action_policy"),
            r"binned_ev learns classes a head",
        ),
        (GROWING, r"model\.schedule\.grow_batch: .*trainer\.max_steps=… trainer\.max_epochs=null"),
        ((*GROWING, "trainer.max_steps=5"), r"model\.schedule\.grow_batch"),
        (("model=board_encoder_muon", "model.other_optimizer=null"), r"model\.other_optimizer: goes with torch\.optim"),
        (
            ("+model.other_optimizer={_target_: torch.optim.AdamW, _partial_: true}",),
            r"model\.other_optimizer: goes with torch\.optim\.Muon",
        ),
        (
            (
                "callbacks=[default,board_strength]",
                "objective=board_hard_move",
                "model.encoder.head_type=action_policy",
                "callbacks.strength.strategy._target_=railyard.board.game.strategy.TailAgg",
            ),
            r"callbacks\.strength\.strategy: weighs bins of one move, of which an action_policy has one",
        ),
    ],
)
def test_parts_that_do_not_fit(words, message, work):
    with pytest.raises(UserError, match=message):
        experiment(*words)


@pytest.mark.parametrize(
    "words",
    [
        ("objective=board_hard_move", "model.encoder.head_type=action_policy", "data.tokenizer=null"),
        ("objective=board_hard_move", "model.encoder.output_n_bins=1", "data.tokenizer=null"),
        (*GROWING, "trainer.max_steps=5", "trainer.max_epochs=null"),
        ("model=board_encoder_muon",),
        ("callbacks=[default,board_strength]", "callbacks.strength.games=3"),
        ("hparams_search=board_strength",),
    ],
)
def test_parts_that_fit(words, work):
    assert experiment(*words)


@pytest.mark.parametrize("name", PUBLISHED)
def test_recipes_have_the_published_sizes(name, work):
    """But for the embedding of an 18th exponent, which a chain can reach."""
    parameters, classes = PUBLISHED[name]
    encoder = experiment(f"experiment=board/{name}", "trainer=cpu").model.encoder.with_bins(classes)
    assert parameter_count(encoder) == parameters + encoder.hidden_size
    assert parameter_count(encoder.model_copy(update={"input_vocab_size": 17})) == parameters
