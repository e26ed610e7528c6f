"""Channel A's iterations on shared forwards against transformers' own full forwards, and against finite differences."""

import numpy as np
import pytest
import torch
from tiny_detector import OBJECTS, Batch, tiny_batch, tiny_detector
from torch import Tensor

from railyard.stage2.language.rendering import render
from railyard.stage2.model.answers import Soft
from railyard.stage2.model.config import Lora, Random
from railyard.stage2.objective.config import Schedule, Stage2AB
from railyard.stage2.objective.expectation import expected_embeddings
from railyard.stage2.training.passes import Slots, iterations

pytestmark = pytest.mark.slow

KINDS = ("shared", "padded", "packed")
CASES = [(1, "unroll"), (2, "unroll"), (2, "em_detach"), (4, "unroll"), (4, "em_detach")]
EMBEDDINGS = "model.model.language_model.embed_tokens.weight"
CLOSE = {"atol": 1e-5, "rtol": 0}
TAU = 0.7


def objective(count: int, mode: str) -> Stage2AB:
    gate = {"semantic_desc_gate": {"enabled": False}}
    return Stage2AB(
        schedule=Schedule(b_ratio=0.0),
        n_softctx_iter=count,
        softctx_grad_mode=mode,
        softctx_temperature=TAU,
        channel_b=gate,
    )


def detector_of(lora: bool, **keys):
    detector = tiny_detector(tuning=Lora(rank=2, alpha=4.0) if lora else None, **keys)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for name, weight in detector.named_parameters():
            if ".lora_" in name:
                weight.copy_(0.05 * torch.randn(weight.shape, generator=generator))
        detector.rows_KH.mul_(3)  # distributions with peaks, or every expectation is about the same
    return detector


def batch_of(detector) -> Batch:
    batch = tiny_batch(detector)
    return Batch(batch.patches, batch.prompts, [*batch.ids[:2], detector.vocabulary.encode(render(OBJECTS[:1]))])


def slots_of(detector, batch: Batch) -> Slots:
    return Slots.of([np.flatnonzero(detector.vocabulary.bins(ids) >= 0).reshape(-1, 4) for ids in batch.ids], "cpu")


def own_iterations(detector, batch: Batch, sample: int, count: int, mode: str) -> tuple[Tensor, Tensor]:
    """States of the first and the last forward of one sample by transformers' full forward with its image each time."""
    model = detector.settle()
    whole = torch.from_numpy(np.concatenate([batch.prompts[sample], batch.ids[sample]]))[None]
    patches = batch.patches[sample]
    grid = torch.from_numpy(patches.grid_3)[None]
    is_image = (whole == detector.image_pad).int()
    positions_3T, _ = model.model.get_rope_index(whole, mm_token_type_ids=is_image, image_grid_thw=grid)
    coordinates = torch.from_numpy(np.flatnonzero(detector.vocabulary.bins(batch.ids[sample]) >= 0))
    places = coordinates + len(batch.prompts[sample])
    rows_KH = model.get_input_embeddings().weight[detector.coord_ids_K]
    embedded = plain = model.get_input_embeddings()(whole)
    found = []
    for index in range(count):
        quiet = mode == "em_detach" and 0 < index < count - 1
        with torch.set_grad_enabled(not quiet):
            if index:
                logits_NK = found[-1][0, places - 1] @ rows_KH.T
                soft_NH = (logits_NK / TAU).softmax(dim=-1) @ rows_KH
                embedded = plain.clone()
                embedded[0, places] = soft_NH.detach() if mode == "em_detach" else soft_NH
            out = model.model(
                inputs_embeds=embedded,
                position_ids=positions_3T,
                pixel_values=torch.from_numpy(patches.patches_PC),
                image_grid_thw=grid,
                use_cache=False,
            )
        found.append(out.last_hidden_state)
    start = len(batch.prompts[sample]) - 1
    return found[0][0, start:], found[-1][0, start:]


def loss(first: list[Tensor], last: list[Tensor]) -> Tensor:
    return sum((a * away(a, 1)).sum() + (b * away(b, 2)).sum() for a, b in zip(first, last, strict=True))


def away(states: Tensor, seed: int) -> Tensor:
    return torch.from_numpy(np.random.default_rng(seed).normal(size=tuple(states.shape)) / 100).to(states.dtype)


def gradients(detector) -> dict[str, Tensor]:
    return {name: weight.grad for name, weight in detector.named_parameters() if weight.grad is not None}


@pytest.mark.parametrize("lora", [False, True])
@pytest.mark.parametrize(("count", "mode"), CASES)
def test_states_and_gradients_are_those_of_full_forwards(count, mode, lora):
    detector = detector_of(lora)
    batch = batch_of(detector)
    embeddings = detector.model.get_input_embeddings().weight.requires_grad_(True)
    first, last = zip(*(own_iterations(detector, batch, sample, count, mode) for sample in range(3)), strict=True)
    loss(list(first), list(last)).backward()
    expected = gradients(detector)
    expected["rows_KH"] = embeddings.grad[detector.coord_ids_K].clone()
    embeddings.grad[detector.coord_ids_K] = 0
    assert (last[0] - first[0]).abs().max() > (1e-3 if count > 1 else -1), "else iterations change nothing"
    for kind in KINDS:
        ours = detector_of(lora, forwards=kind)
        session = ours.begin(batch.prompts, batch.pictures)
        found = iterations(session, batch.answers, slots_of(ours, batch), objective(count, mode))
        cut = [[states[sample, : 1 + len(batch.ids[sample])] for sample in range(3)] for states in found]
        for mine, theirs in zip(cut, (first, last), strict=True):
            for one, other in zip(mine, theirs, strict=True):
                torch.testing.assert_close(one, other, **CLOSE)
        loss(*cut).backward()
        same = gradients(ours)
        for name in same.keys() | (expected.keys() - {EMBEDDINGS}):
            torch.testing.assert_close(
                same[name], expected[name], **CLOSE, msg=lambda text, name=name: f"{name} {text}"
            )


def in_double(detector):
    """The detector in float64 throughout its text layers, whose norms transformers computes in float32."""
    for part in detector.modules():
        if type(part).__name__ == "Qwen3VLTextRMSNorm":
            part.forward = lambda states, part=part: (
                part.weight * states * torch.rsqrt(states.square().mean(-1, keepdim=True) + part.variance_epsilon)
            )
    return detector.double()


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("mode", ["unroll", "em_detach"])
def test_gradients_are_finite_differences(mode, kind):
    """`em_detach` holds the expected coordinates still, so the differences do, too. Vision is left as it is."""
    shape = Random(hidden=32, layers=1, heads=2, vision_hidden=32, vision_layers=1)
    detector = in_double(detector_of(False, weights=shape, forwards=kind))
    batch = batch_of(detector)
    slots, count = slots_of(detector, batch), 3

    def run(kept: Tensor | None) -> tuple[Tensor, Tensor]:
        session = detector.begin(batch.prompts, batch.pictures)
        if kept is None:
            first, last = iterations(session, batch.answers, slots, objective(count, mode))
        else:
            first = session.states(batch.answers)
            last = session.states(batch.answers, Soft(slots.answers_N, slots.tokens_N, kept))
        return loss([first], [last]), last

    kept = None
    if mode == "em_detach":
        with torch.no_grad():
            session = detector.begin(batch.prompts, batch.pictures)
            _, before = iterations(session, batch.answers, slots, objective(count - 1, mode))
            logits_NK = slots.states(before) @ session.coord_output_KH.T
            kept = expected_embeddings(logits_NK, session.coord_rows_KH, TAU)
    run(None)[0].backward()
    moved = [weight for name, weight in detector.named_parameters() if "visual" not in name and weight.grad is not None]
    generator = torch.Generator().manual_seed(0)
    directions = [torch.randn(weight.shape, generator=generator, dtype=torch.float64) for weight in moved]
    slope = sum((weight.grad * way).sum() for weight, way in zip(moved, directions, strict=True))

    def at(step: float) -> float:
        with torch.no_grad():
            for weight, way in zip(moved, directions, strict=True):
                weight.add_(way, alpha=step)
            value = float(run(kept)[0])
            for weight, way in zip(moved, directions, strict=True):
                weight.add_(way, alpha=-step)
        return value

    step = 1e-6
    assert float(slope.detach()) == pytest.approx((at(step) - at(-step)) / (2 * step), rel=1e-5)
