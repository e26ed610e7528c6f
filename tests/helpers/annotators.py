"""A model for tests of annotation: its answers are a function of the board alone, made without torch in no time.

Shapes: B boards, N bins.
"""

import hashlib
from contextlib import contextmanager
from pathlib import Path
from unittest.mock import patch

import numpy as np

from railyard.board.annotation import report
from railyard.board.annotation.asking import Model
from railyard.board.annotation.config import Annotate
from railyard.board.annotation.job import annotate_with
from railyard.board.inference.client.blocking import Blocking
from railyard.board.model.answers import Answers, ModelFacts

BINS, HIDDEN = 5, 3
PATIENCE = 120  # seconds


def facts(bins=BINS, heads=(), tokens=18, name="fake"):
    kind = "binned_ev" if bins else "action_policy"
    model_hash = hashlib.sha256(f"{name} {bins} {heads} {tokens}".encode()).hexdigest()
    return ModelFacts(
        kind, bins, value_heads=tuple(heads), hidden_size=HIDDEN, input_vocab_size=tokens, model_hash=model_hash
    )


def noise(boards_B16, count, salt=0):
    """Numbers in (0, 1), float32 [B, count], by the board."""
    weights = np.random.default_rng(salt).integers(1, 2**31, (16, count), np.uint64)
    mixed = (boards_B16.astype(np.uint64) + 3) @ weights
    mixed ^= mixed >> np.uint64(13)
    return ((mixed * np.uint64(0x9E3779B97F4A7C15) >> np.uint64(40)) / 2.0**24).astype(np.float32) * 0.98 + 0.01


def answers_for(boards_B16, said):
    """What the model answers, all parts."""
    bins, count = said.bins, len(boards_B16)
    if said.head_type == "action_policy":
        logits = noise(boards_B16, 4)
        probabilities = (logits / logits.sum(axis=1, keepdims=True)).reshape(count, 4, 1)
    else:
        logits = noise(boards_B16, 4 * bins).reshape(count, 4, bins)
        probabilities = logits / logits.sum(axis=2, keepdims=True)
    p1 = probabilities[:, :, -1]
    best = p1.argmax(axis=1).astype(np.uint8)
    values = noise(boards_B16, said.value_width, 1) * 8 - 4
    return Answers(
        best, p1.max(axis=1), probabilities, logits.reshape(count, 4, -1), values, noise(boards_B16, HIDDEN, 2)
    )


class Fake:
    """A `ModelClient`.

    after: called with the number of boards answered so far, before each answer; seen: called with the boards asked.
    """

    def __init__(self, said, after=lambda boards: None, window=1, seen=lambda boards_B16: None):
        self.said, self.after, self.window, self.seen, self.boards = said, after, window, seen, 0

    async def facts(self):
        return self.said

    async def ask(self, boards_B16, wanted):
        self.boards += len(boards_B16)
        self.seen(boards_B16)
        self.after(self.boards)
        return answers_for(boards_B16, self.said).only(wanted)

    async def stream(self, blocks, wanted):
        """Draws up to `window` blocks before it answers the first."""
        waiting = []
        for boards_B16 in blocks:
            waiting.append(boards_B16)
            if len(waiting) >= self.window:
                yield await self.ask(waiting.pop(0), wanted)
        for boards_B16 in waiting:
            yield await self.ask(boards_B16, wanted)

    async def aclose(self):
        pass


@contextmanager
def model(said=None, **keys):
    said = said or facts()
    with Blocking(lambda: Fake(said, **keys)) as client:
        yield Model(client, said, 64, "cpu")


def annotate(
    pool, out, said=None, window=1, after=lambda boards: None, seen=lambda boards_B16: None, progress=None, plots=False,
    **keys
):  # fmt: skip
    """A session's folder, and what the job said; its report is without plots, which take as long as all else."""
    keys = {"batch_size": 64, "bucket": 64, "tag": "fake", "init": Path("unused"), **keys}
    knobs = Annotate(pool=pool, out=out, **keys)
    with (
        model(said, window=window, after=after, seen=seen) as open_model,
        patch.object(report.plots, "available", lambda: plots),
    ):
        found = annotate_with(open_model, knobs, progress)
    return Path(found["session"]), found


def annotate_part(pool, out, part, barrier, said):
    """In a process of its own: its last rows are written when those of the others are; tells the parts it missed."""

    def together(done, total, before=0, note=""):
        if done == total:
            barrier.wait(PATIENCE)

    said.put(annotate(pool, out, progress=together, part=part)[1].get("missing_parts", []))


def digests(folder):
    """SHA-256 of every shard, column and of schema.json, by name."""
    files = [*folder.rglob("*.npy"), folder / "schema.json", folder / "columns" / "quantiles.json"]
    return {
        str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest() for path in files if path.is_file()
    }
