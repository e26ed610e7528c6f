"""Rollouts by a server: what it is sent, what it has to send back, and what is said where it does not."""

import base64
import io
from pathlib import Path

import numpy as np
import pytest
import torch
from fake_vllm import serving
from PIL import Image
from stage2_samples import samples_for
from tiny_detector import tiny_detector

from railyard.core.errors import RailyardError, UserError
from railyard.stage2.language.prompts import PROMPT
from railyard.stage2.model import folders
from railyard.stage2.rollout.config import RolloutMatching, Vllm
from railyard.stage2.rollout.vllm import VllmRollouts, turns_of


@pytest.fixture(scope="module")
def detector():
    return tiny_detector()


@pytest.fixture(scope="module")
def samples(detector):
    return samples_for(detector.vocabulary)


def picture_in(body):
    url = body["messages"][1]["content"][0]["image_url"]["url"]
    return np.asarray(Image.open(io.BytesIO(base64.b64decode(url.partition(",")[2]))))


@pytest.fixture
def server(detector, samples):
    """It answers with the seed it was given, and repeats the prompt of the sample whose picture it got."""

    def answer(body):
        pixels = picture_in(body)
        sample = next(each for each in samples if np.array_equal(each.pixels_HW3, pixels))
        ids = [*detector.vocabulary.encode(f"{{{body['seed']}}}"), detector.vocabulary.im_end]
        choice = {"token_ids": ids, "finish_reason": "stop"}
        return {"prompt_token_ids": sample.prompt_T.tolist(), "choices": [choice]}

    with serving(answer) as fake:
        yield fake


def generate(detector, server, samples, **keys):
    knobs = {"rollout_backend": "vllm", "vllm": Vllm(base_url=server.url, timeout_s=30.0), **keys}
    decode = RolloutMatching(**knobs)
    rollouts = VllmRollouts(decode.vllm, detector)
    return rollouts, rollouts.generate(samples, decode, [10 * sample.line for sample in samples])


def test_answers_come_back_in_order_as_ids(detector, server, samples):
    _, found = generate(detector, server, samples)
    assert [detector.vocabulary.join(ids)[0] for ids in found] == [
        b"{10}<|im_end|>",
        b"{20}<|im_end|>",
        b"{30}<|im_end|>",
    ]
    assert generate(detector, server, [])[1] == []


def test_every_setting_is_sent_and_the_picture_is_the_one_that_is_fed(detector, server, samples):
    keys = {"decode_mode": "sample", "temperature": 0.7, "top_k": 5, "top_p": 0.9, "repetition_penalty": 1.1}
    generate(detector, server, samples[:1], max_new_tokens=33, **keys)
    (body,) = server.bodies("/v1/chat/completions")
    sent = {key: body[key] for key in ("temperature", "top_k", "top_p", "repetition_penalty", "max_tokens", "seed")}
    assert sent == {**{key: keys[key] for key in keys if key != "decode_mode"}, "max_tokens": 33, "seed": 10}
    assert (body["model"], body["return_token_ids"], body["skip_special_tokens"]) == ("detector", True, False)
    assert body["stop_token_ids"] == [detector.vocabulary.im_end]
    height, width = samples[0].pixels_HW3.shape[:2]
    assert body["mm_processor_kwargs"] == {"min_pixels": height * width, "max_pixels": height * width}
    assert body["messages"][0] == {"role": "system", "content": PROMPT.system}
    assert body["messages"][1]["content"][1] == {"type": "text", "text": PROMPT.user}
    assert turns_of(samples[0], detector.vocabulary) == (PROMPT.system, PROMPT.user)


def test_weights_are_handed_over_when_they_change_and_only_then(server, samples):
    detector = tiny_detector(seed=3)
    decode = RolloutMatching(rollout_backend="vllm", vllm=Vllm(base_url=server.url))
    rollouts, handed = VllmRollouts(decode.vllm, detector), []
    server.answer = lambda body: handed.append(reloaded(server)) or answer_of(samples[0], detector)

    for step in range(3):
        rollouts.generate(samples[:1], decode, [0])
        if step == 1:
            with torch.no_grad():
                detector.rows_KH.add_(0.1)
    calls = server.bodies("/collective_rpc")
    assert [call["method"] for call in calls] == ["reload_weights"] * 2
    paths = [Path(call["kwargs"]["weights_path"]) for call in calls]
    assert handed == [paths[0], paths[0], paths[1]]
    assert not paths[0].exists()
    assert paths[1].name == f"weights-{folders.fingerprint(paths[1])}"
    assert len(server.bodies("/reset_prefix_cache")) == len(server.bodies("/reset_mm_cache")) == 2
    root = paths[1].parent
    del rollouts
    assert not root.exists()


def reloaded(server):
    return Path(server.bodies("/collective_rpc")[-1]["kwargs"]["weights_path"])


def answer_of(sample, detector, **changed):
    ids = [*detector.vocabulary.encode("{}"), detector.vocabulary.im_end]
    choice = {"token_ids": ids, "finish_reason": "stop", **changed}
    return {"prompt_token_ids": sample.prompt_T.tolist(), "choices": [choice]}


def test_an_end_that_the_server_leaves_out_is_put_back(detector, server, samples):
    open_ = detector.vocabulary.encode("{}")
    server.answer = lambda body: answer_of(samples[0], detector, token_ids=open_)
    assert generate(detector, server, samples[:1])[1] == [[*open_, detector.vocabulary.im_end]]
    server.answer = lambda body: answer_of(samples[0], detector, token_ids=open_, finish_reason="length")
    assert generate(detector, server, samples[:1])[1] == [open_]


def test_a_failure_is_tried_once_more_and_then_told(detector, server, samples):
    server.failures = [503]
    assert len(generate(detector, server, samples)[1]) == 3
    server.failures = [500, 502]
    with pytest.raises(RailyardError, match=r"gave no answer to /collective_rpc, asked 2 times \(status 502: .*now"):
        generate(detector, server, samples)
    server.failures = [404]
    with pytest.raises(UserError, match=r"/collective_rpc refused the request \(status 404"):
        generate(detector, server, samples)


def test_a_server_that_is_not_there_is_told(detector, server, samples):
    decode = RolloutMatching(rollout_backend="vllm", vllm=Vllm(base_url="http://127.0.0.1:9"))
    with pytest.raises(RailyardError, match=r"the rollout server http://127\.0\.0\.1:9 gave no answer .*Connection"):
        VllmRollouts(decode.vllm, detector).generate(samples, decode, [0, 0, 0])


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda reply, pad: reply.pop("prompt_token_ids"), "sends no token ids: rollouts need vLLM 0.10.2 or later"),
        (lambda reply, pad: reply["choices"][0].update(token_ids=None), "sends no token ids"),
        (lambda reply, pad: reply["choices"].clear(), "sends no token ids"),
        (lambda reply, pad: reply["prompt_token_ids"].remove(pad), "read 11 image tokens, where 12 were sent"),
        (
            lambda reply, pad: reply["prompt_token_ids"].append(5),
            "line 1: .* read another prompt: start it",
        ),
    ],
)
def test_a_server_that_read_something_else_is_told(detector, server, samples, change, says):
    def answer(body):
        reply = answer_of(samples[0], detector)
        change(reply, detector.image_pad)
        return reply

    server.answer = answer
    with pytest.raises(UserError, match=says):
        generate(detector, server, samples[:1])
