import logging

import pytest
from stage2_settings import check

from railyard import notebook
from railyard.apps.train import Train
from railyard.core.config.compose import Composition
from railyard.core.config.faults import Fault
from railyard.core.errors import UserError
from railyard.core.training.experiment import with_sections
from railyard.core.verbs.launch import check as launch_check
from railyard.stage2.settings import concerns

AB = {"schedule": {"b_ratio": 0.05}, "channel_b": {"semantic_desc_gate": {"revision": "abc"}}}
CUSTOM = {"trainer_variant": "stage2_ab_training"}
WORDS = ["custom.trainer_variant=stage2_ab_training", "stage2_ab.schedule.b_ratio=0.05"]
GATE = "stage2_ab.channel_b.semantic_desc_gate"


def judged(already=(), **config):
    settings, faults = check(config, already)
    return settings, {".".join(fault.key): fault.message for fault in faults}


def said(*words):
    """What `railyard train` says of the rail's own keys when it refuses these words."""
    with pytest.raises(UserError) as refusal:
        launch_check("train", Train, Composition("train", list(words)), list(words))
    first, *lines = str(refusal.value).splitlines()
    assert first.startswith("the config has ")
    return [line.strip() for line in lines if line.strip().startswith(("stage2_ab", "custom", "training"))]


def test_a_right_config_gives_its_settings():
    settings, faults = judged(stage2_ab=AB, custom=CUSTOM)
    assert faults == {}
    assert settings.stage2_ab.schedule.b_ratio == 0.05
    assert settings.custom.extra.rollout_matching.max_new_tokens == 512


def test_a_variant_without_its_settings_is_refused():
    settings, faults = judged(custom=CUSTOM)
    assert settings is None
    assert "give stage2_ab.schedule.b_ratio=" in faults["stage2_ab.schedule.b_ratio"]


def test_settings_without_a_variant_are_refused():
    _, faults = judged(stage2_ab=AB)
    assert "give custom.trainer_variant=" in faults["custom.trainer_variant"]


def test_other_variants_are_refused_with_the_list():
    _, faults = judged(stage2_ab=AB, custom={"trainer_variant": "stage2_training"})
    assert faults["custom.trainer_variant"] == (
        "must be 'stage2_ab_training', got 'stage2_training'; did you mean 'stage2_ab_training'?"
    )


def test_the_old_mapping_of_training_keys_is_refused():
    _, faults = judged(stage2_ab=AB, custom=CUSTOM, training={"learning_rate": 1e-4})
    assert list(faults) == ["training"]
    assert "the groups trainer and data" in faults["training"]


def test_a_slip_in_the_name_of_the_section_is_seen():
    faults = judged(stage2_abb=AB, custom=CUSTOM)[1]
    assert faults["stage2_abb"].startswith("unknown key; did you mean 'stage2_ab'?; known: ")


@pytest.mark.parametrize("place", [("custom", "typo"), ("custom", "extra", "rollout_matchin")])
def test_unknown_keys_of_custom_are_refused(place):
    nested = 1
    for name in reversed(place[1:]):
        nested = {name: nested}
    _, faults = judged(stage2_ab=AB, custom={**CUSTOM, **nested})
    assert list(faults) == [".".join(place)]


@pytest.mark.parametrize("value", [None, 3, "x", {"weight": 1.0}, [1]])
def test_coord_loss_is_ignored_in_silence(value, caplog):
    with caplog.at_level(logging.DEBUG):
        settings, faults = judged(stage2_ab=AB, custom={**CUSTOM, "coord_loss": value})
    assert (settings is None, faults, caplog.messages) == (False, {}, [])


def test_a_config_of_another_rail_is_left_alone():
    assert not concerns({"seed": 0})
    assert not concerns({"custom": {"coord_loss": {"weight": 1}}})
    assert concerns({"custom": {"coord_loss": 1, "extra": {}}})
    assert concerns({"custom": 3})


def test_values_that_could_not_be_resolved_keep_their_sentence():
    known = Fault(("stage2_ab", "schedule", "b_ratio"), "interpolation key 'x' not found")
    _, faults = judged([known], stage2_ab={**AB, "schedule": {"b_ratio": None}}, custom=CUSTOM)
    assert faults == {"stage2_ab.schedule.b_ratio": known.message}


def test_train_tells_what_is_wrong_with_the_settings_and_where_it_was_set(work):
    share, pattern = "stage2_ab.schedule.b_ratio=0.05", "stage2_ab.schedule.pattern=[A,B]"
    assert [line.partition(":")[0] for line in said(WORDS[0])] == [
        "stage2_ab.schedule.b_ratio",
        f"{GATE}.revision",
    ]
    (line,) = said(WORDS[0], pattern, share, f"{GATE}.enabled=false")
    assert line.startswith("stage2_ab.schedule.pattern: not a key of this version; write stage2_ab.schedule.b_ratio")
    assert line.endswith(f"[command line: {pattern}]")


def test_train_takes_them_from_a_file_without_options_of_its_own(work):
    file = work / "conf" / "experiment" / "mine.yaml"
    file.parent.mkdir(parents=True)
    file.write_text(
        "# @package _global_\ncustom:\n  trainer_variant: stage2_ab_training\n"
        "stage2_ab:\n  schedule:\n    b_ratio: 0.05\n"
        "  channel_b:\n    semantic_desc_gate:\n      revision: abc\n      enable: true\n"
    )
    (line,) = said("experiment=mine")
    assert line.startswith(f"{GATE}.enable: unknown key (value True); did you mean 'enabled'?")
    assert "mine.yaml" in line
    file.write_text(file.read_text().replace("      enable: true\n", ""))
    assert said("experiment=mine") == []


def test_train_ignores_coord_loss():
    words = ["experiment=board/quickstart", "custom.coord_loss.weight=1", "sead=1"]
    with pytest.raises(UserError, match=r"sead: unknown key"):
        launch_check("train", Train, Composition("train", words), words)


def test_data_of_this_rail_asks_for_its_keys():
    kind = with_sections(Train, {"data": {"_target_": "railyard.stage2.anything"}})
    assert {"stage2_ab", "custom"} <= kind.model_fields.keys()
    assert not {"stage2_ab", "custom"} & with_sections(Train, {"custom": {"coord_loss": 1}}).model_fields.keys()


def test_help_lists_the_keys_of_both_sections(railyard):
    out = railyard("train", *WORDS, "--help").out
    text = " ".join(out.split())
    assert "stage2_ab.schedule.b_ratio share of the optimizer steps" in text
    assert "[float; 0.05]" in text
    assert "custom.extra.rollout_matching.rollout_buffer.m_steps" in text
    assert "stage2_ab.n_softctx_iter" not in railyard("train", "--help").out


def test_a_notebook_reads_them_too():
    with pytest.raises(UserError, match=r"stage2_ab\.n_softctx_iter: "):
        notebook.compose({"stage2_ab": {"n_softctx_iter": 2.9, "schedule": {"b_ratio": 0.05}}}, WORDS[0])
