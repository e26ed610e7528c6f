import pytest


@pytest.mark.parametrize(
    ("words", "sentence"),
    [
        (["objective=board_hard_move"], "rankers are trained with one of their own: objective=tlg8_pairwise, "),
        (["data.split=pack"], "pack holds the last of several packs out"),
        (
            ["model.optimizer._target_=lightning.pytorch.callbacks.Timer"]
            + [f"~model.optimizer.{key}" for key in ("_partial_", "lr", "weight_decay")],
            "must be a class of torch.optim",
        ),
        (["model.widths={colour:[5]}"], "there is no head colour: predictor, cf_perm"),
        (
            ["data.features.columns=[score_bits_plain_none_min_by_predictor]"],
            "is known only after the whole search",
        ),
        (
            [
                "data.features.columns=[score_bits_plain_none_min_by_predictor]",
                "data.features.allow_answer=true",
                "objective=tlg8_topk",
            ],
            "allow_answer is for the modes strict and ranking alone, this is topk",
        ),
        (
            ["data.batch_size=200"],
            "data.batch_size: batch_size=200 is larger than the blocks to train on, some 130: lower it",
        ),
        (["data.pack=nowhere"], "nowhere is no pack of searched blocks"),
    ],
)
def test_what_cannot_be_trained_is_told_before_anything_starts(words, sentence, railyard, train_words):
    done = railyard(*train_words, *words)
    assert (done.code, done.out) == (2, "")
    assert sentence in done.err
