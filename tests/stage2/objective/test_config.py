import copy
import re
import subprocess
import sys

import pytest
from pydantic import ValidationError
from stage2_fixtures import fixture
from stage2_settings import check

from railyard.core.config import legacy
from railyard.stage2.objective.config import Stage2AB, Stages, value_at

OK = {"schedule": {"b_ratio": 0.5}, "channel_b": {"semantic_desc_gate": {"revision": "abc"}}}
REFERENCE = fixture("20")
NOT_HERE = ("mode", "rollouts_per_step", "enable_pipeline", "rollout_decode_batch_size", "reordered_gt_sft")


def judged(keys):
    """The objective's settings and {key: message} of all faults of a `stage2_ab`."""
    settings, faults = check({"stage2_ab": keys, "custom": {"trainer_variant": "stage2_ab_training"}})
    return settings and settings.stage2_ab, {".".join(fault.key): fault.message for fault in faults}


def with_key(dotted, value):
    keys = copy.deepcopy(OK)
    *above, last = dotted.split(".")
    at = keys
    for name in above:
        at = at.setdefault(name, {})
    at[last] = value
    return keys


def flat(node, place=""):
    for name, value in node.items():
        if isinstance(value, dict):
            yield from flat(value, f"{place}{name}.")
        else:
            yield place + name, value


def test_defaults_are_those_of_the_reference():
    settings, faults = judged(OK)
    assert faults == {}
    ours, theirs = dict(flat(settings.model_dump())), dict(flat(REFERENCE["defaults_from_minimal"]))
    gone = {f"channel_b.{name}" for name in NOT_HERE}
    assert {key: ours[key] for key in theirs.keys() - gone} == {key: theirs[key] for key in theirs.keys() - gone}
    assert gone.isdisjoint(ours)
    assert ours["bbox_smoothl1_beta"] == 0.05
    assert (ours["coord_target_sigma"], ours["coord_target_truncate"]) == (2.0, None)


def key_named_in(message):
    """The key that a message of the reference complains of; an unknown one stands in brackets behind its place."""
    place = re.search(r"stage2_ab[\w.]*\w", message)[0]
    unknown = re.search(r"\['(\w+)'\]", message)
    return f"{place}.{unknown[1]}" if unknown else place


# accepted there by turning one value into another, or for keys that are not here
REFUSED_HERE = {
    "b_ratio string '0.25' coerced": "stage2_ab.schedule.b_ratio",
    "huber delta 0 -> default": "stage2_ab.coord_huber_delta",
}


@pytest.mark.parametrize("case", REFERENCE["cases"], ids=lambda case: case["name"])
def test_cases_of_the_reference(case):
    settings, faults = judged(case["cfg"])
    if case["ok"] and case["name"] not in REFUSED_HERE:
        assert faults == {}
        assert settings.schedule.b_ratio == case["cfg"]["schedule"]["b_ratio"]
    else:
        assert settings is None
        assert (REFUSED_HERE.get(case["name"]) or key_named_in(case["message_contains"])) in faults


@pytest.mark.parametrize("case", fixture("01")["invalid"], ids=lambda case: case["error"])
def test_invalid_schedules_of_the_reference(case):
    _, faults = judged({**OK, "schedule": case["schedule"]})
    assert "stage2_ab.schedule.b_ratio" in faults or "stage2_ab.schedule.pattern" in faults


@pytest.mark.parametrize(
    ("key", "value", "allowed"),
    [
        ("schedule.b_ratio", 1.01, "less than or equal to 1, got 1.01"),
        ("schedule.b_ratio", -0.01, "greater than or equal to 0, got -0.01"),
        ("schedule.b_ratio", float("nan"), "finite number, got nan"),
        ("schedule.b_ratio", "0.25", "valid number, got '0.25'"),
        ("schedule.b_ratio", True, "valid number, got True"),
        ("schedule.b_ratio", None, "valid number, got None"),
        ("schedule.b_ratio", 1e-7, "down to a millionth"),
        ("n_softctx_iter", 2.9, "valid integer, got 2.9"),
        ("n_softctx_iter", 2.0, "valid integer, got 2.0"),
        ("n_softctx_iter", 0, "greater than or equal to 1, got 0"),
        ("n_softctx_iter", True, "valid integer, got True"),
        ("n_softctx_iter", "2", "valid integer, got '2'"),
        ("softctx_grad_mode", "unrol", "'unroll' or 'em_detach', got 'unrol'; did you mean 'unroll'?"),
        ("softctx_temperature", 0, "greater than 0, got 0"),
        ("softctx_temperature", float("inf"), "finite number, got inf"),
        *((f"{name}_weight", -0.5, "greater than or equal to 0, got -0.5") for name in ("desc_ce", "bbox_smoothl1")),
        *(
            (f"{name}_weight", -1, "greater than or equal to 0, got -1")
            for name in (
                *("bbox_ciou", "coord_ce", "coord_soft_ce", "coord_w1", "coord_gate", "coord_el1", "coord_ehuber"),
            )
        ),
        ("coord_entropy_weight", float("nan"), "finite number, got nan"),
        ("bbox_smoothl1_beta", 0, "greater than 0, got 0"),
        ("coord_target_sigma", 0.0, "greater than 0, got 0.0"),
        ("coord_target_sigma", "40", "valid number, got '40'"),
        ("coord_target_truncate", -1, "greater than 0, got -1"),
        ("coord_huber_delta", 0, "greater than 0, got 0"),
        ("channel_b.desc_ce_weight_matched", -0.1, "greater than or equal to 0, got -0.1"),
        ("channel_b.drop_invalid_struct_ce_multiplier", 0.5, "greater than or equal to 1, got 0.5"),
        ("channel_b.drop_invalid_struct_ce_multiplier", 4.5, "less than or equal to 4, got 4.5"),
        ("channel_b.stop_supervision", "none", "'neutral', 'supervise' or 'weighted', got 'none'"),
        ("channel_b.stop_weight", "0.1", "valid number, got '0.1'"),
        ("channel_b.semantic_desc_gate.enabled", "false", "valid boolean, got 'false'"),
        ("channel_b.semantic_desc_gate.enabled", 0, "valid boolean, got 0"),
        ("channel_b.semantic_desc_gate.threshold", 1.1, "less than or equal to 1, got 1.1"),
        ("channel_b.semantic_desc_gate.threshold", -0.1, "greater than or equal to 0, got -0.1"),
        ("channel_b.semantic_desc_gate.model_name_or_path", 7, "valid string, got 7"),
        ("channel_b.semantic_desc_gate.revision", 7, "valid string, got 7"),
        ("schedule", 3, "holds keys (b_ratio), got 3"),
    ],
)
def test_bad_values_are_refused_with_what_is_allowed(key, value, allowed):
    settings, faults = judged(with_key(key, value))
    assert settings is None
    assert list(faults) == [f"stage2_ab.{key}"]
    assert allowed in faults[f"stage2_ab.{key}"]


@pytest.mark.parametrize(
    ("key", "value"),
    [
        *(("schedule.b_ratio", share) for share in (0, 0.0, 1, 1.0, 1e-6)),
        *(("channel_b.semantic_desc_gate.threshold", cosine) for cosine in (0, 1)),
        *(("channel_b.drop_invalid_struct_ce_multiplier", multiplier) for multiplier in (1, 4)),
        ("n_softctx_iter", 1),
        ("desc_ce_weight", 0),
        ("coord_entropy_weight", -0.5),
        ("coord_ce_weight", 0),
    ],
)
def test_values_at_the_edge_are_admitted(key, value):
    assert judged(with_key(key, value))[1] == {}


@pytest.mark.parametrize(
    ("key", "meant"),
    [
        ("bbox_ciuo_weight", "bbox_ciou_weight"),
        ("schedule.b_ration", "b_ratio"),
        ("b_ratio", "stage2_ab.schedule.b_ratio"),
        ("channel_b.stop_wait", "stop_weight"),
        ("channel_b.semantic_desc_gate.treshold", "threshold"),
    ],
)
def test_unknown_keys_are_refused_at_every_level(key, meant):
    _, faults = judged(with_key(key, 0.5))
    assert f"did you mean '{meant}'?" in faults[f"stage2_ab.{key}"]


def test_a_share_has_to_be_given():
    for keys in ({}, {"schedule": {}}, {"schedule": {"b_ratio": "???"}}):
        _, faults = judged({**OK, "schedule": {}} | keys)
        assert "give stage2_ab.schedule.b_ratio=" in faults["stage2_ab.schedule.b_ratio"]
    assert "stage2_ab.schedule.b_ratio" in judged({})[1]


def test_a_pattern_is_refused_with_the_share():
    _, faults = judged({**OK, "schedule": {"pattern": ["A", "B"]}})
    assert "write stage2_ab.schedule.b_ratio" in faults["stage2_ab.schedule.pattern"]
    assert "give stage2_ab.schedule.b_ratio=" in faults["stage2_ab.schedule.b_ratio"]
    assert list(judged(with_key("schedule.pattern", ["A", "B"]))[1]) == ["stage2_ab.schedule.pattern"]


@pytest.mark.parametrize("gate", [{}, {"revision": None}, {"revision": ""}, {"enabled": True, "threshold": 0.9}])
def test_the_gate_needs_a_revision(gate):
    _, faults = judged({**OK, "channel_b": {"semantic_desc_gate": gate}})
    key = "stage2_ab.channel_b.semantic_desc_gate.revision"
    assert f"give {key}=" in faults[key]
    assert key in judged({"schedule": {"b_ratio": 0.5}})[1]


def test_a_gate_that_is_off_needs_none():
    assert judged(with_key("channel_b.semantic_desc_gate", {"enabled": False}))[1] == {}


def test_sigma_may_have_stages():
    settings, faults = judged({**OK, "coord_target_sigma": {"values": [40, 12], "starts": [900]}})
    assert faults == {}
    sigma = settings.coord_target_sigma
    assert [value_at(step, sigma) for step in (0, 899, 900, 10_000)] == [40, 40, 12, 12]
    assert value_at(5, settings.coord_target_truncate) is None
    assert value_at(5, 2.0) == 2.0


@pytest.mark.parametrize(
    ("stages", "key"),
    [
        ({"values": [40, 12], "starts": [9, 9]}, ""),
        ({"values": [40, 12, 4], "starts": [9, 3]}, ""),
        ({"values": [40, 12], "starts": []}, ""),
        ({"values": [40], "starts": []}, ".values"),
        ({"values": [40, 0], "starts": [9]}, ".values.1"),
        ({"values": [40, 12], "starts": [0]}, ".starts.0"),
        ({"values": [40, 12], "starts": [2.5]}, ".starts.0"),
        ({"values": [40, 12]}, ".starts"),
        ({"values": [40, 12], "starts": [9], "at": [9]}, ".at"),
    ],
)
def test_stages_that_do_not_fit_are_refused(stages, key):
    assert list(judged({**OK, "coord_target_sigma": stages})[1]) == [f"stage2_ab.coord_target_sigma{key}"]


@pytest.mark.parametrize("key", ["bbox_l1_weight", "bbox_giou_weight", *(f"channel_b.{name}" for name in NOT_HERE)])
def test_keys_of_the_earlier_trainer_are_refused_with_what_to_write(key):
    _, faults = judged(with_key(key, 1.0))
    assert list(faults) == [f"stage2_ab.{key}"]
    assert faults[f"stage2_ab.{key}"] == f"not a key of this version; {legacy.KEYS[f'stage2_ab.{key}'].advice}"


def test_settings_are_checked_when_built_by_hand():
    assert Stage2AB(**OK).schedule.b_ratio == 0.5
    with pytest.raises(ValidationError, match="b_ratio"):
        Stage2AB(schedule={})
    with pytest.raises(ValidationError, match="rising"):
        Stages(values=[1.0, 2.0], starts=[])


def test_settings_import_no_torch():
    code = "import sys, railyard.stage2.settings; sys.exit('torch' in sys.modules)"
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
