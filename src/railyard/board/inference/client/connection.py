"""One server: its channel, what it says of its model, what it has to answer, and when it may be asked again."""

import asyncio
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import grpc
import numpy as np

from railyard.board.inference.client.addresses import target_of
from railyard.board.inference.client.config import Client, ClientTls
from railyard.board.inference.client.faults import Repeatable, fault_of, wait_after
from railyard.board.inference.client.lane import Lane
from railyard.board.inference.inference_pb2 import InferRequest, InferResponse
from railyard.board.inference.packing import (
    CELLS,
    INFER,
    INFER_STREAM,
    MOST_BYTES,
    Request,
    pack_request,
    read_response,
)
from railyard.board.inference.reuse import keep_freed_memory
from railyard.board.model.answers import ModelFacts, Wanted
from railyard.core.errors import UserError
from railyard.core.store.reading import read_bytes

OPTIONS = (
    ("grpc.max_send_message_length", MOST_BYTES),
    ("grpc.max_receive_message_length", MOST_BYTES),
    ("grpc.initial_reconnect_backoff_ms", 100),
    ("grpc.min_reconnect_backoff_ms", 100),
    ("grpc.max_reconnect_backoff_ms", 1000),
    ("grpc.use_local_subchannel_pool", 1),  # channels of one process do not wait for each other's reconnecting
)
LATE = grpc.StatusCode.DEADLINE_EXCEEDED.name
LONGEST_TOKEN, LONGEST_PEM = 4096, 1 << 20  # bytes


class Connection:
    """A server as this client knows it. `held`: boards it was given and has not answered."""

    def __init__(self, address: str, knobs: Client) -> None:
        keep_freed_memory()
        self.address, self.knobs = address, knobs
        self.held = 0
        self.facts: ModelFacts | None = None  # None until it has answered, and after it failed
        self._failures, self._rests_until = 0, 0.0
        self._metadata = _token_of(knobs.token_file)
        self._channel = _channel(target_of(address), knobs.tls)
        self._infer = self._channel.unary_unary(INFER, InferRequest.SerializeToString, InferResponse.FromString)
        self._lane: Lane | None = None
        self._one_asks = asyncio.Lock()

    @property
    def speaks_bulk(self) -> bool:
        """Whether it knows the bulk form: servers that tell their model's hash do."""
        return self.facts is not None and bool(self.facts.model_hash)

    def rests(self) -> float:
        """Seconds before it may be asked again."""
        return max(0.0, self._rests_until - time.monotonic())

    def has_room(self, boards: int) -> bool:
        return self.held == 0 or self.held + boards <= self.knobs.window

    @contextmanager
    def judged(self) -> Iterator[None]:
        """Raises a failure inside the block as what it means; one worth repeating makes the server rest."""
        try:
            yield
        except grpc.aio.AioRpcError as error:
            fault = fault_of(error, self.address)
        except TimeoutError:
            self._drop_lane()
            fault = Repeatable(f"{self.address}: no answer within {self.knobs.deadline_s:g} s", LATE)
        else:
            self._failures = 0
            return
        if isinstance(fault, Repeatable):
            self._failures += not self.rests()  # requests that fail together are one failure
            self._rests_until = time.monotonic() + (fault.after or wait_after(self._failures))
            self.facts = None if fault.after is None else self.facts
        raise fault from None

    async def describe(self) -> ModelFacts:
        """What it serves, asked by one empty board; kept until it fails."""
        async with self._one_asks:
            return self.facts or await self._asked()

    async def _asked(self) -> ModelFacts:
        wanted = Wanted(embeddings=True)
        request = Request(np.zeros((1, CELLS), np.uint8), [0], wanted, provenance=True)
        message = pack_request(request)
        message.return_value_heads = True  # for their names; servers that know none ignore it
        with self.judged():
            response = await self._infer(message, timeout=self.knobs.deadline_s, metadata=self._metadata)
        self.facts = read_response(response, request).facts
        return self.facts

    async def infer(self, message: InferRequest) -> InferResponse:
        """The answer to one request."""
        _refuse_too_large(message)
        with self.judged():
            response: InferResponse = await self._infer(message, timeout=self.knobs.deadline_s, metadata=self._metadata)
            return response

    async def infer_in_stream(self, message: InferRequest) -> InferResponse:
        """The same through one InferStream that stays open: for messages with many boards, and a batch_id each."""
        _refuse_too_large(message)
        with self.judged():
            if self._lane is None or self._lane.has_ended:
                method = self._channel.stream_stream(
                    INFER_STREAM, InferRequest.SerializeToString, InferResponse.FromString
                )
                self._lane = Lane(method(metadata=self._metadata))
            async with asyncio.timeout(self.knobs.deadline_s):
                return await self._lane.ask(message)

    def _drop_lane(self) -> None:
        if self._lane:
            self._lane.cancel()

    async def aclose(self) -> None:
        self._drop_lane()
        await self._channel.close()


def _refuse_too_large(message: InferRequest) -> None:
    """UserError for a message that gRPC would not send; in a stream it would not even say why."""
    if (size := message.ByteSize()) > MOST_BYTES:
        raise UserError(
            f"a request of {size:,} bytes is larger than a message may be, {MOST_BYTES:,} bytes: "
            "ask for fewer boards at a time"
        )


def _token_of(file: Path | None) -> tuple[tuple[str, str], ...]:
    if file is None:
        return ()
    words = _content("token_file", file, LONGEST_TOKEN).split()
    if len(words) != 1 or not words[0].isascii():
        raise UserError(f"{file} has to hold a token, one word of ASCII characters: take the file of the server")
    return (("authorization", f"Bearer {words[0].decode()}"),)


def _channel(target: str, tls: ClientTls) -> grpc.aio.Channel:
    if tls.ca is None:
        return grpc.aio.insecure_channel(target, options=OPTIONS)
    key = None if tls.key is None else _pem("tls.key", tls.key)
    cert = None if tls.cert is None else _pem("tls.cert", tls.cert)
    credentials = grpc.ssl_channel_credentials(_pem("tls.ca", tls.ca), key, cert)
    return grpc.aio.secure_channel(target, credentials, options=OPTIONS)


def _pem(key: str, file: Path) -> bytes:
    data = _content(key, file, LONGEST_PEM)
    if b"-----BEGIN " not in data:
        raise UserError(f"client.{key}={file} holds nothing in PEM form: give the file that begins with -----BEGIN")
    return data


def _content(key: str, file: Path, most: int) -> bytes:
    try:
        return read_bytes(file, most)
    except OSError as fault:
        raise UserError(f"client.{key}={file} cannot be read: {fault.strerror}; give the path of the file") from fault
