"""A server for the figures of inference, in a process of its own: `inference_server.py SOCKET KIND MAX_BATCH QUEUE`.

KIND: `sleeping` (a pass takes 5 ms and 10 µs a board, the cores stay free), `instant` (a pass takes nothing), else an
init folder. QUEUE: boards that may wait. Prints the address of its metrics when it
answers; ends when its standard input does.
"""

import asyncio
import sys
import time
from pathlib import Path

import numpy as np

from railyard.board.inference.server.batcher import Limits
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.server import Answering, Given, Server
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.core.arrays import U8
from railyard.core.serving import uncollected

CLASSES = 35
FIXED, A_BOARD = 5e-3, 10e-6  # seconds of a sleeping pass
FACTS = ModelFacts("binned_ev", CLASSES, hidden_size=32, input_vocab_size=18, model_hash="0" * 64)


def constant(most: int, sleeping: bool) -> Answering:
    """The same numbers for every board."""
    random = np.random.default_rng(0)
    best, mass = np.zeros(most, np.uint8), np.full(most, 0.5, np.float32)
    heads = random.random((most, 4, CLASSES), np.float32)
    whole = Answers(best, mass, heads, heads, np.zeros((most, 0), np.float32), random.random((most, 32), np.float32))

    def answer(boards_B16: U8, rows: int, wanted: Wanted) -> Answers:
        if sleeping:
            time.sleep(FIXED + A_BOARD * len(boards_B16))
        return whole.rows(0, len(boards_B16)).only(wanted)

    return answer


def modelled(init: Path) -> tuple[Answering, ModelFacts]:
    from railyard.board.model.inference import AnsweringModel, facts_of
    from railyard.board.model.init_folder import read_init

    encoder = read_init(init)[0]
    return AnsweringModel(encoder, "cpu").answer, facts_of(encoder, init)


async def main(socket: str, kind: str, max_batch: int, queue: int) -> None:
    buckets = (max(16, max_batch),)
    figures = Figures(buckets)
    is_fake = kind in ("sleeping", "instant")
    answer, facts = (constant(buckets[0], kind == "sleeping"), FACTS) if is_fake else modelled(Path(kind))
    answer(np.zeros((1, 16), np.uint8), buckets[0], Wanted())  # the first pass takes longer
    server = Server(f"unix:{socket}")
    metrics, stop = figures.expose("127.0.0.1:0")
    with uncollected():
        await server.start(Given(answer, facts, Limits(buckets, max_batch, 0.0, queue), figures))
        print(metrics, flush=True)
        await asyncio.to_thread(sys.stdin.read)
    await server.drain(5)
    stop()


if __name__ == "__main__":
    asyncio.run(main(sys.argv[1], sys.argv[2], int(sys.argv[3]), int(sys.argv[4])))
