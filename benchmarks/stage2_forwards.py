"""Forwards of stage2's training step against transformers' own, in CPU time, on a tiny network.

Batches of 8 samples whose prompt and image are about two thirds of the tokens. Channel A with self-context and the two
passes of channel B share what precedes the answers; transformers' own forward encodes images and prompts each time.
Memory is what autograd keeps for the backward pass. Packed and padded rows share nothing; their answers are of 20 to
400 tokens.
"""

import time
from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from benchmarks.figure import Figure
from railyard.core.arrays import I64
from railyard.stage2.language.chat import encode_prompt
from railyard.stage2.language.rendering import render
from railyard.stage2.model import pictures
from railyard.stage2.model.answers import Answers, answers
from railyard.stage2.model.build import build
from railyard.stage2.model.config import Network, Random
from railyard.stage2.model.detector import Detector
from railyard.stage2.objective.config import Schedule, Stage2AB
from railyard.stage2.scenes.records import SceneObject
from railyard.stage2.training.passes import Slots, iterations

SAMPLES, SIDE, OBJECTS = 8, 128, 3
ROUNDS = 7
SHORTEST, LONGEST = 20, 400  # tokens of an answer that is packed
WORDS = ("red circle", "blue square", "green ring", "yellow cross")


@dataclass(frozen=True)
class Batch:
    """Samples as a session takes them, with answers and the coordinates in them."""

    prompts: list[I64]
    pictures: pictures.Pictures
    answers: Answers
    slots: Slots


def measure() -> list[Figure]:
    threads = torch.get_num_threads()
    torch.set_num_threads(1)
    try:
        return [*_channel_a(), _channel_b(), _packed()]
    finally:
        torch.set_num_threads(threads)


def _channel_a() -> list[Figure]:
    detector = _detector("shared")
    batch = _batch(detector)
    theirs, *ours = _best([lambda: _own(detector, batch), *[_iterated(detector, batch, n) for n in (1, 2, 4)]])
    kept, *shared = [_kept(work) for work in (lambda: _own(detector, batch), _iterated(detector, batch, 2))]
    note = f"N=1 {ours[0] / theirs:.2f}x; transformers' own N=1 {1e3 * theirs:.0f} ms of CPU, {kept / 2**20:.0f} MiB"
    name, against = "channel A, N={} against transformers' N=1", "transformers, vision each time"
    return [
        _at_most(name.format(2), ours[1] / theirs, 1.35, against, note),
        _at_most(name.format(4), ours[2] / theirs, 2.2, against, note),
        _at_most("memory of channel A, N=2 against N=1", shared[0] / kept, 1.4, against, note),
    ]


def _channel_b() -> Figure:
    detector = _detector("shared")
    batch = _batch(detector)

    def both() -> Tensor:
        session = detector.begin(batch.prompts, batch.pictures)
        return _loss(session.states(batch.answers)) + _loss(session.states(batch.answers))

    theirs, ours = _best([lambda: _own(detector, batch), both])
    note = f"transformers' own B3 {1e3 * theirs:.0f} ms of CPU"
    return _at_most("B2 and B3 against B3", ours / theirs, 1.3, "transformers, one forward and backward", note)


def _packed() -> Figure:
    padded, packed = _detector("padded"), _detector("packed")
    packed.load_state_dict(padded.state_dict())
    lengths = np.random.default_rng(0).integers(SHORTEST, LONGEST, SAMPLES, endpoint=True)
    batch = _batch(padded, lengths.tolist())

    def reads(detector: Detector) -> Callable[[], Tensor]:
        return lambda: _loss(detector.begin(batch.prompts, batch.pictures).states(batch.answers))

    first, second = (float(reads(each)().detach()) for each in (padded, packed))
    assert abs(first - second) < 1e-5 * max(1.0, abs(first)), (first, second)
    slow, fast = _best([reads(padded), reads(packed)])
    note = f"losses {first:.6f} and {second:.6f}; padded {1e3 * slow / SAMPLES:.0f} ms of CPU a sample"
    name = "packed against padded training"
    return Figure(name, slow / fast, "x samples/s", ">= 1.3", slow / fast >= 1.3, "padded rows", slow / fast, note)


def _at_most(name: str, value: float, limit: float, against: str, note: str) -> Figure:
    return Figure(name, value, "x", f"<= {limit}", value <= limit, against, 1 / value, note)


def _detector(forwards: str) -> Detector:
    torch.manual_seed(0)
    network = Network.model_validate({"weights": Random(hidden=128, layers=3), "forwards": forwards})
    return build(network, lambda: (render(_objects(each)) for each in range(50)))


def _objects(seed: int, count: int = OBJECTS) -> list[SceneObject]:
    rng = np.random.default_rng(seed)
    corners = np.sort(rng.integers(0, 1000, (count, 2, 2)), axis=1).reshape(count, 4).tolist()
    return [SceneObject(WORDS[int(rng.integers(len(WORDS)))], (x1, y1, x2, y2)) for x1, y1, x2, y2 in corners]


def _batch(detector: Detector, lengths: list[int] | None = None) -> Batch:
    rng = np.random.default_rng(1)
    images = [pictures.cut(rng.integers(0, 256, (SIDE, SIDE, 3), dtype=np.uint8)) for _ in range(SAMPLES)]
    encode = detector.vocabulary.encode
    ids = [encode(render(_objects(seed))) for seed in range(SAMPLES)]
    if lengths:
        ids = [encode(render(_objects(seed, 20)))[:length] for seed, length in enumerate(lengths)]
    slots = [np.flatnonzero(detector.vocabulary.bins(own) >= 0).reshape(-1, 4) for own in ids] if not lengths else []
    prompts = [encode_prompt(int(each.grid_3.prod()) // 4, detector.vocabulary) for each in images]
    return Batch(prompts, pictures.batch(images), answers(ids), Slots.of(slots, "cpu"))


def _iterated(detector: Detector, batch: Batch, count: int) -> Callable[[], Tensor]:
    objective = Stage2AB.model_construct(
        schedule=Schedule(b_ratio=0.0), n_softctx_iter=count, softctx_grad_mode="unroll", softctx_temperature=1.0
    )

    def run() -> Tensor:
        session = detector.begin(batch.prompts, batch.pictures)
        first_ATH, last_ATH = iterations(session, batch.answers, batch.slots, objective)
        return _loss(first_ATH) + batch.slots.states(last_ATH).square().mean()

    return run


def _own(detector: Detector, batch: Batch) -> Tensor:
    """Transformers' own forward: whole samples, padded on the right, with their images."""
    ids = [
        np.concatenate([prompt, row[:length]])
        for prompt, row, length in zip(
            batch.prompts, batch.answers.ids_AT.numpy(), batch.answers.lengths_A, strict=True
        )
    ]
    ids_BL = torch.zeros(len(ids), max(map(len, ids)), dtype=torch.long)
    for row, own in zip(ids_BL, ids, strict=True):
        row[: len(own)] = torch.from_numpy(own)
    states: Tensor = detector.model.model(
        input_ids=ids_BL,
        mm_token_type_ids=(ids_BL == detector.image_pad).int(),
        pixel_values=batch.pictures.patches_PC,
        image_grid_thw=batch.pictures.grids_B3,
        use_cache=False,
    ).last_hidden_state
    return _loss(states[:, min(map(len, batch.prompts)) - 1 :])


def _loss(states_ATH: Tensor) -> Tensor:
    """Something that sends a gradient to every state; the real losses cost the same in all variants."""
    return states_ATH.square().mean()


def _best(works: list[Callable[[], Tensor]]) -> list[float]:
    """CPU seconds of forward and backward of each, the least of several turns: what other programs take is left out."""
    best = [float("inf")] * len(works)
    for _ in range(ROUNDS):
        for index, work in enumerate(works):
            start = time.process_time()
            work().backward()
            best[index] = min(best[index], time.process_time() - start)
    return best


def _kept(work: Callable[[], Tensor]) -> int:
    """Bytes that autograd keeps, each piece of memory once; weights stand for themselves and are left out."""
    seen: dict[int, int] = {}

    def note(tensor: Tensor) -> Tensor:
        if not (tensor.is_leaf and tensor.requires_grad):
            seen[tensor.untyped_storage().data_ptr()] = tensor.untyped_storage().nbytes()
        return tensor

    with torch.autograd.graph.saved_tensors_hooks(note, lambda tensor: tensor):
        work()
    return sum(seen.values())
