"""Rollouts by a vLLM server: the weights go there as a folder, images as PNG, and token ids come back.

`docs/stage2_rollout.md` has the protocol and the versions that it was written for. A request is tried twice.
"""

import base64
import http.client
import io
import json
import re
import shutil
import tempfile
import weakref
from collections.abc import Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, NamedTuple, TypeGuard
from urllib.parse import urlsplit

from PIL import Image

from railyard.core.errors import RailyardError, UserError
from railyard.stage2.language.tokenizer import IM_START, IMAGE_PAD, VISION_END, VISION_START
from railyard.stage2.language.vocabulary import IM_END, Vocabulary
from railyard.stage2.model import folders
from railyard.stage2.model.detector import Detector
from railyard.stage2.rollout.config import RolloutMatching, Vllm
from railyard.stage2.rollout.sample import Sample

TRIES = 2
MOST_BYTES = 64 * 2**20  # of a reply
LONGEST_REASON = 300  # characters

_TURNS = re.compile(
    rf"{re.escape(IM_START)}system\n(?P<system>.*){re.escape(IM_END)}\n{re.escape(IM_START)}user\n"
    rf"{re.escape(VISION_START)}(?:{re.escape(IMAGE_PAD)})+{re.escape(VISION_END)}(?P<user>.*){re.escape(IM_END)}\n"
    rf"{re.escape(IM_START)}assistant\n",
    re.DOTALL,
)


class Server:
    """A server at an address; its replies are JSON."""

    def __init__(self, base_url: str, timeout_s: float) -> None:
        self.base_url, self._timeout_s = base_url.rstrip("/"), timeout_s
        self._place = urlsplit(self.base_url)

    def ask(self, method: str, path: str, body: Mapping[str, Any] | None = None) -> Any:
        """The reply, tried once more after a failure of the connection or the server.

        Raises RailyardError for a server that does not answer, UserError for one that refuses the request.
        """
        for left in reversed(range(TRIES)):
            try:
                status, data = self._exchange(method, path, body)
            except (OSError, http.client.HTTPException) as fault:
                reason = f"{type(fault).__name__}: {fault}"
            else:
                if status < 300:
                    return _json(data, self.base_url + path)
                reason = f"status {status}: {' '.join(data.decode(errors='replace').split())[:LONGEST_REASON]}"
                if status < 500:
                    raise UserError(f"{self.base_url}{path} refused the request ({reason}): start vLLM as the docs say")
            if not left:
                break
        raise RailyardError(
            f"the rollout server {self.base_url} gave no answer to {path}, asked {TRIES} times ({reason}): "
            "see its log, start it again and resume the run"
        )

    def _exchange(self, method: str, path: str, body: Mapping[str, Any] | None) -> tuple[int, bytes]:
        kind = http.client.HTTPSConnection if self._place.scheme == "https" else http.client.HTTPConnection
        connection = kind(self._place.netloc, timeout=self._timeout_s)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, self._place.path + path, data, {"Content-Type": "application/json"})
            reply = connection.getresponse()
            return reply.status, reply.read(MOST_BYTES)
        finally:
            connection.close()


class Turns(NamedTuple):
    """The texts of a prompt."""

    system: str
    user: str


class VllmRollouts:
    """Answers of a server that has been given the weights as they are now."""

    def __init__(self, knobs: Vllm, detector: Detector) -> None:
        assert knobs.base_url is not None  # the settings say so
        self._server, self._detector = Server(knobs.base_url, knobs.timeout_s), detector
        self._folder = Path(tempfile.mkdtemp(prefix="railyard-weights-"))
        self._finalizer = weakref.finalize(self, shutil.rmtree, self._folder, ignore_errors=True)
        self._handed_over = ""
        self._model = ""

    def generate(self, samples: Sequence[Sample], decode: RolloutMatching, seeds: Sequence[int]) -> list[list[int]]:
        if not samples:
            return []
        self.hand_over()
        self._model = self._model or _first_model(self._server.ask("GET", "/v1/models"), self._server.base_url)
        with ThreadPoolExecutor(decode.rollout_batch_size, thread_name_prefix="rollouts") as pool:
            asked = [pool.submit(self._answer, each, decode, seed) for each, seed in zip(samples, seeds, strict=True)]
            return [each.result() for each in asked]

    def hand_over(self) -> None:
        """Gives the server the weights as a folder, adapters merged, unless it has these very ones.

        The folder's name has their fingerprint. What the server kept of other weights is dropped.
        """
        new = self._folder / "new"
        fingerprint = folders.write(new, self._detector)
        if fingerprint == self._handed_over:
            return
        folder = self._folder / f"weights-{fingerprint}"
        new.replace(folder)
        call = {"method": "reload_weights", "kwargs": {"weights_path": str(folder), "is_checkpoint_format": True}}
        self._server.ask("POST", "/collective_rpc", call)
        for kept in ("/reset_prefix_cache", "/reset_mm_cache"):
            self._server.ask("POST", kept)
        if self._handed_over:
            shutil.rmtree(self._folder / f"weights-{self._handed_over}", ignore_errors=True)
        self._handed_over = fingerprint

    def _answer(self, sample: Sample, decode: RolloutMatching, seed: int) -> list[int]:
        body = request(self._model, sample, decode, seed, self._detector.vocabulary)
        reply = self._server.ask("POST", "/v1/chat/completions", body)
        return ids_of(reply, sample, decode, self._detector.vocabulary, self._detector.image_pad, self._server.base_url)


def request(model: str, sample: Sample, decode: RolloutMatching, seed: int, vocabulary: Vocabulary) -> dict[str, Any]:
    """What the server is asked for one sample. Every setting is sent, since a server has defaults of its own."""
    turns, (height, width) = turns_of(sample, vocabulary), sample.pixels_HW3.shape[:2]
    image = {"type": "image_url", "image_url": {"url": f"data:image/png;base64,{_png(sample)}"}}
    return {
        "model": model,
        "messages": [
            {"role": "system", "content": turns.system},
            {"role": "user", "content": [image, {"type": "text", "text": turns.user}]},
        ],
        "max_tokens": decode.max_new_tokens,
        "temperature": decode.temperature,
        "top_p": decode.top_p,
        "top_k": decode.top_k,
        "repetition_penalty": decode.repetition_penalty,
        "seed": seed,
        "stop_token_ids": [vocabulary.im_end],
        "skip_special_tokens": False,
        "return_token_ids": True,
        # the size that is fed already: nothing is to be resized
        "mm_processor_kwargs": {"min_pixels": width * height, "max_pixels": width * height},
    }


def turns_of(sample: Sample, vocabulary: Vocabulary) -> Turns:
    """The texts of a sample's prompt, from its ids."""
    text = vocabulary.join(sample.prompt_T)[0].decode()
    found = _TURNS.fullmatch(text)
    assert found is not None, text  # `language/chat.py` writes no others
    return Turns(found["system"], found["user"])


def ids_of(
    reply: Any, sample: Sample, decode: RolloutMatching, vocabulary: Vocabulary, image_pad: int, server: str
) -> list[int]:
    """The ids of the answer in a reply. UserError where the server read another prompt or sends no ids."""
    choices = reply.get("choices") if isinstance(reply, dict) else None
    choice = choices[0] if isinstance(choices, list) and choices and isinstance(choices[0], dict) else {}
    ids, read = choice.get("token_ids"), reply.get("prompt_token_ids") if isinstance(reply, dict) else None
    if not _are_ids(ids) or not _are_ids(read):
        raise UserError(f"{server} sends no token ids: rollouts need vLLM 0.10.2 or later")
    wanted = sample.prompt_T.tolist()
    if read != wanted:
        images, expected = read.count(image_pad), wanted.count(image_pad)
        what = f"{images} image tokens, where {expected} were sent" if images != expected else "another prompt"
        raise UserError(
            f"{sample.name}: {server} read {what}: start it on the init/ of this run or its base, with that folder's "
            "chat template and image processor"
        )
    ends = choice.get("finish_reason") == "stop" and (not ids or ids[-1] != vocabulary.im_end)
    return [*ids, *([vocabulary.im_end] if ends else [])][: decode.max_new_tokens]


def _are_ids(value: Any) -> TypeGuard[list[int]]:
    return isinstance(value, list) and all(type(each) is int for each in value)


def _first_model(reply: Any, server: str) -> str:
    try:
        return str(reply["data"][0]["id"])
    except (KeyError, IndexError, TypeError):
        raise UserError(f"{server}/v1/models names no model: is it a vLLM server?") from None


def _png(sample: Sample) -> str:
    file = io.BytesIO()
    Image.fromarray(sample.pixels_HW3).save(file, "PNG", compress_level=1)
    return base64.b64encode(file.getvalue()).decode()


def _json(data: bytes, url: str) -> Any:
    """Commands reply with nothing."""
    if not data.strip():
        return None
    try:
        return json.loads(data)
    except ValueError:
        raise RailyardError(f"{url} answered with something else than JSON: is it a vLLM server?") from None
