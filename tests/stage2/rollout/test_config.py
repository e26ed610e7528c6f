import pytest
from stage2_settings import check

from railyard.stage2.rollout.config import RolloutBuffer, RolloutMatching

AB = {"schedule": {"b_ratio": 0.5}, "channel_b": {"semantic_desc_gate": {"enabled": False}}}
PLACE = "custom.extra.rollout_matching"


def judged(**keys):
    custom = {"trainer_variant": "stage2_ab_training", "extra": {"rollout_matching": keys}}
    settings, faults = check({"stage2_ab": AB, "custom": custom})
    found = {".".join(fault.key).removeprefix(f"{PLACE}."): fault.message for fault in faults}
    return settings and settings.custom.extra.rollout_matching, found


def test_defaults():
    settings, faults = judged()
    assert faults == {}
    assert settings.model_dump() == {
        **{"rollout_backend": "hf", "decode_mode": "greedy", "max_new_tokens": 512, "temperature": 0.0, "top_p": 1.0},
        **{"top_k": -1, "repetition_penalty": 1.0, "rollout_batch_size": 8, "num_beams": 1},
        "repeat_guard": {"enabled": False, "iou": 0.9, "action": "stop"},
        "vllm": {"base_url": None, "timeout_s": 240.0, "weight_sync": "full"},
        **{"candidate_top_k": 10, "iou_gate": 0.3, "fp_cost": 1.0, "fn_cost": 1.0},
        "rollout_buffer": {"enabled": False, "m_steps": 1},
    }


@pytest.mark.parametrize(
    "keys",
    [
        {"decode_mode": "sample", "temperature": 0.7, "top_p": 0.9, "top_k": 50},
        {"decode_mode": "beam", "num_beams": 4},
        {"rollout_backend": "vllm", "vllm": {"base_url": "http://127.0.0.1:8000"}},
        {"rollout_backend": "scripted"},
        {"rollout_buffer": {"enabled": True, "m_steps": 3}, "repeat_guard": {"enabled": True, "action": "drop"}},
    ],
)
def test_settings_that_fit(keys):
    assert judged(**keys)[1] == {}


@pytest.mark.parametrize(
    ("keys", "message"),
    [
        ({"temperature": 0.7}, "decode_mode=greedy does not sample: write decode_mode=sample, or leave out temp"),
        ({"decode_mode": "beam", "num_beams": 2, "top_p": 0.9}, "decode_mode=beam does not sample"),
        ({"top_k": 5}, "leave out top_k"),
        ({"decode_mode": "sample"}, "needs a temperature above 0"),
        ({"decode_mode": "beam"}, "got decode_mode=beam and num_beams=1"),
        ({"num_beams": 2}, "got decode_mode=greedy and num_beams=2"),
        (
            {"decode_mode": "beam", "num_beams": 2, "rollout_backend": "vllm", "vllm": {"base_url": "http://h:1"}},
            "is for rollout_backend=hf, got rollout_backend=vllm",
        ),
        ({"rollout_backend": "vllm"}, "needs vllm.base_url"),
        ({"decode_mode": "sample", "temperature": 1.0, "top_k": 0}, "1 or more, or is -1 for all, got 0"),
    ],
)
def test_settings_that_contradict_each_other_are_refused(keys, message):
    _, faults = judged(**keys)
    assert list(faults) == [PLACE]
    assert message in faults[PLACE]


@pytest.mark.parametrize(
    ("keys", "place", "message"),
    [
        ({"rollout_backend": "vlm"}, "rollout_backend", "did you mean 'vllm'?"),
        ({"max_new_tokens": 0}, "max_new_tokens", "greater than or equal to 1, got 0"),
        ({"max_new_tokens": 512.0}, "max_new_tokens", "valid integer, got 512.0"),
        ({"temperature": "0"}, "temperature", "valid number, got '0'"),
        ({"temperature": -1}, "temperature", "greater than or equal to 0, got -1"),
        ({"top_p": 0}, "top_p", "greater than 0, got 0"),
        ({"repetition_penalty": 0}, "repetition_penalty", "greater than 0, got 0"),
        ({"iou_gate": 1.5}, "iou_gate", "less than or equal to 1, got 1.5"),
        ({"fp_cost": float("nan")}, "fp_cost", "finite number, got nan"),
        ({"candidate_topk": 3}, "candidate_topk", "did you mean 'candidate_top_k'?"),
        ({"repeat_guard": {"enabled": "false"}}, "repeat_guard.enabled", "valid boolean, got 'false'"),
        ({"repeat_guard": {"action": "halt"}}, "repeat_guard.action", "'stop' or 'drop', got 'halt'"),
        ({"vllm": {"base_url": "127.0.0.1"}}, "vllm.base_url", "match pattern"),
        ({"vllm": {"weight_sync": "delta"}}, "vllm.weight_sync", "'full', got 'delta'"),
        ({"rollout_buffer": {"m_steps": 0}}, "rollout_buffer.m_steps", "greater than or equal to 1, got 0"),
        ({"rollout_buffer": {"m_step": 2}}, "rollout_buffer.m_step", "did you mean 'm_steps'?"),
        ({"m_steps": 2}, "m_steps", "did you mean 'custom.extra.rollout_matching.rollout_buffer.m_steps'?"),
    ],
)
def test_bad_values_are_refused_with_what_is_allowed(keys, place, message):
    _, faults = judged(**keys)
    assert list(faults) == [place]
    assert message in faults[place]


def test_a_buffer_that_is_off_repeats_nothing():
    assert RolloutBuffer(enabled=False, m_steps=3).steps == 1
    assert RolloutBuffer(enabled=True, m_steps=3).steps == 3
    assert RolloutMatching().rollout_buffer.steps == 1
