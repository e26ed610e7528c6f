"""Trials of a running inference server: damaged requests, cancellations, signals under load, clients that are killed.

`scripts/prove_serve.py` runs them in full, `tests/test_serve.py` a cut of each. A trial gives what it counted; `faults`
says in words what went wrong, and is empty otherwise.
"""

import asyncio
import json
import os
import random
import re
import signal
import subprocess
import sys
import tempfile
import time
from collections import Counter
from contextlib import contextmanager
from pathlib import Path
from statistics import median
from urllib.request import urlopen

import grpc
import numpy as np
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from served import Held, served

from railyard.board.inference.client.faults import CORE
from railyard.board.inference.inference_pb2 import InferRequest, Item
from railyard.board.inference.packing import INFER, INFER_STREAM
from railyard.board.inference.server.batcher import Expired

ROOT = Path(__file__).resolve().parents[2]
INIT = ROOT / "tests" / "fixtures" / "board" / "08_encoder_binned_gqa"
KNOWN = bytes(byte % 17 for byte in range(256))  # exponents that the model has tokens for
AT_ONCE = 32  # calls in flight
EXPECTED = {StatusCode.OK, StatusCode.INVALID_ARGUMENT, StatusCode.RESOURCE_EXHAUSTED}
LOOKS = 100  # at memory while damaged requests are sent; the first quarter of them is left out
PATIENCE = 120  # seconds


class Process:
    """`railyard serve` in a process of its own, at the socket `s` of a folder."""

    def __init__(self, folder, init=INIT, buckets=(16, 64, 256)):
        words = [f"init={init}", f"uds={folder}/s", "metrics=127.0.0.1:0", "json=true", f"buckets={[*buckets]}"]
        command = [sys.executable, "-m", "railyard.cli", "serve", *words]
        self.log = Path(folder, "stderr")
        with self.log.open("w") as log:
            self.process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, stderr=log, text=True)
        self.address = f"unix:{folder}/s"
        self.wait_for(lambda: "SERVING" in self.log.read_text())
        self.metrics = re.search(r"metrics: (http\S+)", self.log.read_text())[1]

    def wait_for(self, condition):
        end = time.monotonic() + PATIENCE
        while not condition():
            assert self.process.poll() is None, f"the server ended: {self.log.read_text()}"
            assert time.monotonic() < end, "it did not come to that"
            time.sleep(0.01)

    def figure(self, name):
        with urlopen(self.metrics) as answer:
            lines = answer.read().decode().splitlines()
        return next(float(line.split()[1]) for line in lines if line.startswith(f"railyard_{name} "))

    def is_serving(self):
        with grpc.insecure_channel(self.address) as channel:
            return health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service="")).status == 1

    @property
    def memory(self):
        """Anonymous resident bytes."""
        return int(re.search(r"RssAnon:\s+(\d+)", Path(f"/proc/{self.process.pid}/status").read_text())[1]) << 10

    def end(self):
        """Its exit code, result and the seconds it took."""
        start = time.monotonic()
        self.process.send_signal(signal.SIGTERM)
        out, _ = self.process.communicate(timeout=PATIENCE)
        return self.process.returncode, json.loads(out or "{}"), time.monotonic() - start

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.process.stdout.close()


@contextmanager
def running():
    """A server, which is ended."""
    with tempfile.TemporaryDirectory(prefix="railyard-") as folder:
        server = Process(folder)
        try:
            yield server
        finally:
            server.kill()


def good_request(draw):
    """A request that can be answered, of any form."""
    count = draw.choice((0, 1, 1, 3, 16, 100))
    boards = [draw.randbytes(16).translate(KNOWN) for _ in range(count)]
    flags = {
        name: draw.random() < 0.3
        for name in ("return_embedding", "argmax_only", "return_logits", "return_value_heads", "return_provenance")
    }
    message = InferRequest(model_id="m" * draw.randrange(5), batch_id=draw.getrandbits(64), **flags)
    if draw.random() < 0.5:
        message.boards = b"".join(boards)
    else:
        message.items.extend(Item(id=draw.getrandbits(64), board=board) for board in boards)
    return message


def damaged_fields(message, draw):
    """Its fields changed to what no client means."""
    kind = draw.randrange(6)
    if kind == 0:
        message.boards = draw.randbytes(draw.randrange(100))
    elif kind == 1:
        message.items.append(Item(id=1, board=draw.randbytes(draw.choice((0, 15, 16, 17, 1000)))))
    elif kind == 2:
        message.boards = bytes(16)
        message.items.append(Item(board=bytes(16)))
    elif kind == 3:
        message.boards = draw.randbytes(16 * draw.randrange(1, 50))
    elif kind == 4:
        message.boards = bytes(16 * 65_537)
    else:
        message.model_id = "é" * draw.randrange(10_000)
    return message.SerializeToString()


def damaged_bytes(data, draw):
    """One to four of: a bit, a byte, up to 64 bytes changed, up to 16 left out or put in, the end cut off."""
    data = bytearray(data)
    for _ in range(draw.randint(1, 4)):
        at = draw.randrange(len(data) + 1)
        kind = draw.randrange(6)
        if kind == 0 and data:
            data[at % len(data)] ^= 1 << draw.randrange(8)
        elif kind == 1 and data:
            data[at % len(data)] = draw.randrange(256)
        elif kind == 2:
            size = min(draw.randint(1, 64), len(data) - at)
            data[at : at + size] = draw.randbytes(size)
        elif kind == 3:
            del data[at : at + draw.randint(1, 16)]
        elif kind == 4:
            data[at:at] = draw.randbytes(draw.randint(1, 16))
        else:
            del data[at:]
    return bytes(data)


def damaged(count, seed):
    """Damaged requests, sent by both methods: statuses, health, memory."""

    async def one(channel, draw):
        message = good_request(draw)
        is_raw = draw.random() < 0.5
        data = damaged_bytes(message.SerializeToString(), draw) if is_raw else damaged_fields(message, draw)
        try:
            if draw.random() < 0.2:
                async for _ in channel.stream_stream(INFER_STREAM)(iter([data, data]), timeout=PATIENCE):
                    pass
            else:
                await channel.unary_unary(INFER)(data, timeout=PATIENCE)
        except grpc.aio.AioRpcError as fault:
            if (
                fault.details() == CORE
            ):  # the client's own word for a message that it wrote into a stream that had ended
                return StatusCode.INVALID_ARGUMENT
            if fault.code() not in EXPECTED:
                reasons.add(f"{fault.code().name}: {fault.details()}")
            return fault.code()
        return StatusCode.OK

    async def send(server, codes, looks):
        async with grpc.aio.insecure_channel(server.address) as channel:
            for first in range(0, count, AT_ONCE):
                numbers = range(first, min(first + AT_ONCE, count))
                draws = [random.Random(f"{seed} {number}") for number in numbers]
                codes.update(code.name for code in await asyncio.gather(*(one(channel, draw) for draw in draws)))
                if len(looks) < LOOKS * numbers.stop // count:
                    looks.append(server.memory)

    with running() as server:
        reasons, codes, looks = set(), Counter(), []
        asyncio.run(send(server, codes, looks))
        quarter = len(looks) // 4  # medians, as free memory that malloc has not given back comes and goes
        before, after = median(looks[quarter : 2 * quarter]), median(looks[-quarter:])
        grown = after / before - 1
        faults = sorted(reasons)
        faults += [] if server.is_serving() else ["health is not SERVING"]
        faults += [] if server.figure("pending_boards") == 0 else ["boards are pending"]
        faults += ["a traceback in the log"] if "Traceback" in server.log.read_text() else []
        code, _, _ = server.end()
        faults += [] if code == 0 else [f"exit code {code}"]
    return {"requests": count, "statuses": dict(codes), "memory": int(before), "grown": grown, "faults": faults}


def cancelled(count, seed):
    """Requests cancelled, or with deadlines too short, on a busy server: what is pending, and who got a pass."""
    draw, passed, expired, ends = random.Random(seed), set(), set(), Counter()
    held = Held()

    def answer(boards_B16, rows, wanted):
        passed.update(boards_B16[:, :4].copy().view(np.uint32)[:, 0].tolist())
        time.sleep(0.002)
        return held(boards_B16 % 16, rows, wanted)

    def name_of(number):
        """A board of its own for each request, of exponents below 16."""
        return bytes((number >> shift) & 15 for shift in range(0, 16, 4)) + bytes(12)

    async def one(at, number):
        data = InferRequest(boards=name_of(number) * draw.choice((1, 10, 60)), argmax_only=True)
        timeout = draw.choice((None, 0.0005, 0.002, 0.01, 0.05))
        call = at.infer(data, timeout=timeout)
        if timeout is None:
            await asyncio.sleep(draw.random() * 0.01)
            call.cancel()
        try:
            await call
            ends["answered"] += 1
        except asyncio.CancelledError:
            ends["cancelled"] += 1
        except grpc.aio.AioRpcError as fault:
            ends[fault.code().name] += 1

    async def all_of_them(folder):
        async with served(folder, held, answer=answer) as at:
            asked = at.server._batcher.answer

            async def noted(boards_B16, *how):
                try:
                    return await asked(boards_B16, *how)
                except Expired:
                    expired.add(int(boards_B16[0, :4].copy().view(np.uint32)[0]))
                    raise

            at.server._batcher.answer = noted
            for first in range(0, count, AT_ONCE):
                await asyncio.gather(
                    *(one(at, number % 65_536) for number in range(first, min(first + AT_ONCE, count)))
                )
            await at.comes_to(lambda: at.count("pending_boards") == 0 and at.count("queued_boards") == 0)
            return at.count("expired_requests")

    with tempfile.TemporaryDirectory(prefix="railyard-") as folder:
        counted = asyncio.run(all_of_them(folder))
    faults = [f"{len(expired & passed)} expired requests had a pass"] if expired & passed else []
    # one that is cancelled at the same moment is counted and not seen
    faults += [] if counted >= len(expired) else [f"{counted} expired counted, {len(expired)} seen"]
    odd = ends.keys() - {"answered", "cancelled", "CANCELLED", "DEADLINE_EXCEEDED", "RESOURCE_EXHAUSTED"}
    faults += [f"ends {sorted(odd)}"] if odd else []
    return {"requests": count, "ends": dict(ends), "expired": len(expired), "faults": faults}


def stopped(count, seed):
    """SIGTERM while clients ask: each board that the server answered arrived, and the exit code is 0."""
    seconds, answered, refused, faults = [], 0, 0, []
    for trial in range(count):
        with running() as server:
            got, ends = asyncio.run(_stop_under_load(server, random.Random(f"{seed} {trial}")))
            out, _ = server.process.communicate(timeout=PATIENCE)
            result, code = json.loads(out or "{}"), server.process.returncode
        seconds.append(ends.pop("ms") / 1000)
        answered, refused = answered + got, refused + ends.total() - ends["answered"]
        if code != 0 or result.get("boards") != got or ends.keys() - {"answered", "UNAVAILABLE", "CANCELLED"}:
            faults.append(f"trial {trial}: exit code {code}, {result.get('boards')} answered, {got} came, {dict(ends)}")
    return {"trials": count, "boards": answered, "refused": refused, "seconds": max(seconds), "faults": faults}


async def _stop_under_load(server, draw):
    """Boards that came, and how requests ended, after a signal in the midst of them; `ms` until the server ended."""
    got, ends, is_over = 0, Counter(), asyncio.Event()

    async def ask(channel):
        nonlocal got
        data = InferRequest(boards=bytes(16 * draw.choice((1, 64, 300))), argmax_only=True)
        while not is_over.is_set():
            try:
                answer = await channel.unary_unary(INFER, InferRequest.SerializeToString)(data, timeout=PATIENCE)
                got += len(data.boards) // 16
                ends["answered"] += bool(answer)
            except grpc.aio.AioRpcError as fault:
                ends[fault.code().name] += 1
                return

    async with grpc.aio.insecure_channel(server.address) as channel:
        clients = [asyncio.create_task(ask(channel)) for _ in range(8)]
        while ends["answered"] < draw.randint(20, 200):
            await asyncio.sleep(0.001)
        start = time.monotonic()
        server.process.send_signal(signal.SIGTERM)
        while server.process.poll() is None:
            assert time.monotonic() - start < PATIENCE, "the server does not end"
            await asyncio.sleep(0.01)
        ends["ms"] = round((time.monotonic() - start) * 1000)
        is_over.set()
        await asyncio.gather(*clients)
    return got, ends


STREAMING = """
import sys, itertools, grpc
channel = grpc.insecure_channel(sys.argv[1])
data = bytes([82, 128, 32]) + bytes(4096)  # boards of an InferRequest: 256 of them
for number, _ in enumerate(channel.stream_stream(sys.argv[2])(itertools.repeat(data))):
    if number == 3:
        print("going", flush=True)
"""


def killed(count, seed):
    """Clients that are killed in the middle of a stream: nothing of theirs stays, the server goes on."""
    draw = random.Random(seed)
    with running() as server:
        before = server.memory
        for first in range(0, count, 5):
            command = [sys.executable, "-c", STREAMING, server.address, INFER_STREAM]
            clients = [
                subprocess.Popen(command, stdout=subprocess.PIPE, text=True) for _ in range(min(5, count - first))
            ]
            for client in clients:
                assert client.stdout.readline() == "going\n"
                time.sleep(draw.random() * 0.02)
                os.kill(client.pid, signal.SIGKILL)
                client.wait()
                client.stdout.close()
        server.wait_for(lambda: server.figure("pending_boards") == 0)
        faults = [] if server.is_serving() else ["health is not SERVING"]
        faults += ["a traceback in the log"] if "Traceback" in server.log.read_text() else []
        grown = server.memory / before - 1
        code, _, _ = server.end()
        faults += [] if code == 0 else [f"exit code {code}"]
    return {"clients": count, "grown": grown, "faults": faults}
