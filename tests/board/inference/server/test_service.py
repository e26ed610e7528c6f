"""The two methods over a socket: answers, order, back-pressure, and the status of each failure."""

import asyncio
import gc
from contextlib import suppress
from pathlib import Path

import grpc
import numpy as np
import pytest
from fake_inference import FACTS, answers_of
from grpc import StatusCode
from hypothesis import given, settings
from hypothesis import strategies as st
from served import Held, served

from railyard.board.inference import packing
from railyard.board.inference.client.faults import CORE
from railyard.board.inference.inference_pb2 import InferRequest, Item
from railyard.board.inference.packing import Request
from railyard.board.inference.server.batcher import Limits
from railyard.board.inference.value_dtypes import BY_NAME
from railyard.board.model.answers import Wanted, joined
from railyard.board.model.inference import AnsweringModel, facts_of
from railyard.board.model.init_folder import read_init
from railyard.core.serving import Token

INIT = Path(__file__).parents[3] / "fixtures" / "board" / "08_encoder_binned_gqa"
EVERYTHING = Wanted(True, True, True, True)


def boards(count, seed=0):
    return np.random.default_rng(seed).integers(0, 18, (count, 16)).astype(np.uint8)


def request(count, seed=0, wanted=EVERYTHING, is_bulk=True, batch_id=0):
    return Request(boards(count, seed), None if is_bulk else list(range(count)), wanted, batch_id)


def message(*args, **kwargs):
    return packing.pack_request(request(*args, **kwargs))


def same(response, asked):
    found, expected = packing.read_response(response, asked).answers, answers_of(asked.boards_B16)
    for one, other in zip(found, expected.only(asked.wanted), strict=True):
        np.testing.assert_array_equal(one, other)


async def fails(call, code, says=""):
    with pytest.raises(grpc.aio.AioRpcError) as fault:
        await call
    assert (fault.value.code(), says in fault.value.details()) == (code, True), fault.value
    return fault.value


@pytest.mark.parametrize("is_bulk", [False, True])
def test_each_form_is_answered(tmp_path, is_bulk):
    async def test():
        async with served(tmp_path) as at:
            for count in (1, 16, 100):
                asked = request(count, count, is_bulk=is_bulk)
                same(await at.infer(packing.pack_request(asked)), asked)
            assert at.count("boards_total") == 117
            assert at.count("requests_total", method="Infer", outcome="OK") == 3

    asyncio.run(test())


def test_no_boards_are_answered_without_a_pass(tmp_path):
    async def test():
        async with served(tmp_path) as at:
            response = await at.infer(InferRequest(batch_id=4, return_embedding=True))
            assert (response.batch_id, len(response.outputs)) == (4, 0)
            assert response.model_metadata.policy.bin_count == FACTS.bin_count
            assert at.held.sizes == []

    asyncio.run(test())


@settings(max_examples=15)
@given(
    asks=st.lists(
        st.tuples(st.integers(1, 40), st.booleans(), st.integers(0, 3), st.floats(0, 0.003)), min_size=1, max_size=12
    )
)
def test_an_answer_depends_on_its_board_alone(tmp_path_factory, asks):
    async def one(at, number, count, is_bulk, seed, wait):
        await asyncio.sleep(wait)
        asked = request(count, seed, is_bulk=is_bulk, batch_id=number)
        if number % 2:
            (response,) = [each async for each in at.stream(iter([packing.pack_request(asked)]))]
        else:
            response = await at.infer(packing.pack_request(asked))
        assert response.batch_id == number
        same(response, asked)

    async def test():
        async with served(tmp_path_factory.mktemp("s")) as at:
            await asyncio.gather(*(one(at, number, *each) for number, each in enumerate(asks)))

    asyncio.run(test())


@settings(max_examples=5)
@given(
    asks=st.lists(
        st.tuples(st.integers(1, 100), st.booleans(), st.booleans(), st.integers(0, 3)), min_size=1, max_size=10
    )
)
def test_a_model_s_answer_is_the_same_to_the_bit_for_any_neighbours_order_and_method(tmp_path_factory, asks):
    model, (folder, width) = read_init(INIT)[0], (tmp_path_factory.mktemp("s"), 64)
    facts, answering = facts_of(model, INIT), AnsweringModel(model, "cpu")

    async def one(at, count, is_bulk, streams, seed):
        asked = request(count, seed, is_bulk=is_bulk)
        asked = asked._replace(boards_B16=asked.boards_B16 % 17)
        message = packing.pack_request(asked)
        response = await anext(aiter(at.stream(iter([message])))) if streams else await at.infer(message)
        found = packing.read_response(response, asked).answers
        firsts = range(0, count, width)
        alone = joined([answering.answer(asked.boards_B16[at : at + width], width, EVERYTHING) for at in firsts])
        for part, expected in zip(found, alone, strict=True):
            np.testing.assert_array_equal(part, expected)

    async def test():
        limits = Limits((width,), width, 0.0, 10_000)
        async with served(folder, answer=AnsweringModel(model, "cpu").answer, facts=facts, limits=limits) as at:
            await asyncio.gather(*(one(at, *each) for each in asks))

    asyncio.run(test())


@pytest.mark.parametrize("dtype", ["fp32", "fp16", "bf16"])
def test_value_heads_travel_as_the_server_was_told(tmp_path, dtype):
    async def test():
        async with served(tmp_path, dtype=dtype) as at:
            asked = request(5, wanted=Wanted(values=True))
            response = await at.infer(packing.pack_request(asked))
            travel, values_BV = BY_NAME[dtype], answers_of(asked.boards_B16).values_BV
            assert response.value_dtype == travel.number
            rounded = travel.unpack(travel.pack(values_BV)).reshape(values_BV.shape)
            np.testing.assert_array_equal(packing.read_response(response, asked).answers.values_BV, rounded)

    asyncio.run(test())


@pytest.mark.parametrize(
    ("data", "says"),
    [
        (b"\xff\xff", "these 2 bytes are no InferRequest"),
        (InferRequest(boards=b"\0" * 17), "board 1 is cut off"),
        (InferRequest(boards=b"\0" * 31 + b"\x12"), "item 1 holds the exponent 18"),
        (InferRequest(items=[Item(board=b"\0" * 15)]), "item 0 has a board of 15 bytes"),
        (InferRequest(items=[Item(board=bytes(16))], boards=bytes(16)), "this one has both"),
        (InferRequest(boards=bytes(16 * 501)), "item 500 is one too many"),
    ],
)
def test_what_cannot_be_answered_is_an_invalid_argument(tmp_path, data, says):
    async def test():
        async with served(tmp_path) as at:
            data_ = data if isinstance(data, bytes) else data.SerializeToString()
            await fails(at.raw(data_), StatusCode.INVALID_ARGUMENT, says)
            assert at.count("requests_total", method="Infer", outcome="INVALID_ARGUMENT") == 1
            await at.infer(message(1))

    asyncio.run(test())


@pytest.mark.parametrize("is_stream", [False, True])
def test_a_refused_request_is_gone_without_the_collector_of_circles(tmp_path, is_stream):
    message, method = InferRequest(boards=b"x"), "InferStream" if is_stream else "Infer"

    async def test():
        async with served(tmp_path) as at:
            for _ in range(3):
                call = at.stream(iter([message])) if is_stream else at.infer(message)
                await fails(call.read() if is_stream else call, StatusCode.INVALID_ARGUMENT)
            await at.comes_to(lambda: at.count("requests_total", method=method, outcome="INVALID_ARGUMENT") == 3)
            return sum(type(held) is packing.BadRequest for held in gc.get_objects())

    gc.collect()
    gc.disable()
    try:
        assert asyncio.run(test()) == 0
    finally:
        gc.enable()


def test_a_message_beyond_the_limit_is_refused_and_the_server_goes_on(tmp_path):
    async def test():
        async with served(tmp_path) as at:
            await fails(at.raw(bytes(packing.MOST_BYTES + 1)), StatusCode.RESOURCE_EXHAUSTED, "larger than max")
            await at.infer(message(1))

    asyncio.run(test())


def test_a_full_queue_says_when_to_come_again(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False)) as at:
            asked = [asyncio.ensure_future(at.infer(message(400, seed))) for seed in range(3)]
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await asyncio.gather(*asked)
            assert refused.value.code() is StatusCode.RESOURCE_EXHAUSTED
            assert int(dict(refused.value.trailing_metadata())["retry-after-ms"]) >= 1
            assert at.count("queued_boards") <= 1000
            at.held.free.set()
            ends = await asyncio.gather(*asked, return_exceptions=True)
            assert sum(isinstance(end, grpc.aio.AioRpcError) for end in ends) == 1

    asyncio.run(test())


def test_a_defect_is_internal_and_the_server_goes_on(tmp_path, caplog):
    async def test():
        async with served(tmp_path) as at:
            at.held.broken = True
            await fails(at.infer(message(3)), StatusCode.INTERNAL, "its log has the traceback")
            at.held.broken = False
            asked = request(3)
            same(await at.infer(packing.pack_request(asked)), asked)

    asyncio.run(test())
    assert "ZeroDivisionError: a defect" in caplog.text


def test_a_defect_beside_the_model_is_internal_too(tmp_path, caplog, monkeypatch):
    def broken(*_):
        raise ZeroDivisionError("in packing")

    async def test():
        async with served(tmp_path) as at:
            monkeypatch.setattr(packing, "pack_response", broken)
            await fails(at.infer(message(3)), StatusCode.INTERNAL, "its log has the traceback")

    asyncio.run(test())
    assert "ZeroDivisionError: in packing" in caplog.text


def test_a_deadline_that_passes_in_the_queue_costs_no_pass(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False)) as at:
            first = asyncio.ensure_future(at.infer(message(1)))
            await at.comes_to(lambda: at.held.sizes == [1])
            await fails(at.infer(message(5), timeout=0.05), StatusCode.DEADLINE_EXCEEDED)
            at.held.free.set()
            await first
            await at.infer(message(2))
            assert at.held.sizes == [1, 2]

    asyncio.run(test())


def test_who_cancels_leaves_the_queue(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False)) as at:
            first = asyncio.ensure_future(at.infer(message(1)))
            await at.comes_to(lambda: at.held.sizes == [1])
            gone = at.infer(message(50))
            await at.comes_to(lambda: at.count("queued_boards") == 50)
            gone.cancel()
            await at.comes_to(lambda: at.count("queued_boards") == 0)
            assert at.count("requests_total", method="Infer", outcome="CANCELLED") == 1
            at.held.free.set()
            await first
            assert at.held.sizes == [1]

    asyncio.run(test())


def test_a_stream_answers_in_its_order(tmp_path):
    async def test():
        async with served(tmp_path) as at:
            asked = [request(1 + 7 * number % 100, number, batch_id=number) for number in range(40)]
            answered = [each async for each in at.stream(packing.pack_request(each) for each in asked)]
            assert [each.batch_id for each in answered] == list(range(40))
            for response, each in zip(answered, asked, strict=True):
                same(response, each)
            assert at.count("requests_total", method="InferStream", outcome="OK") == 40

    asyncio.run(test())


def test_a_full_queue_stops_the_reading_of_a_stream_and_refuses_nothing(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False), limits=Limits((8192,), 8192, 0.0, 32_768)) as at:
            sent = []

            async def requests():
                for number in range(100):
                    sent.append(number)
                    yield message(8192, number % 3, batch_id=number, wanted=Wanted(False))

            answers = at.stream(requests())

            async def numbers():
                return [each.batch_id async for each in answers]

            reading = asyncio.create_task(numbers())
            await at.comes_to(lambda: at.count("queued_boards") == 16_384)
            before = -1
            while len(sent) != before:  # gRPC itself holds some that are not read
                before = len(sent)
                await asyncio.sleep(0.2)
            assert len(sent) < 100
            assert at.count("queued_boards") <= 16_384
            at.held.free.set()
            assert await reading == list(range(100))

    asyncio.run(test())


def test_a_request_that_fails_ends_its_stream_after_the_answers_before_it(tmp_path):
    async def test():
        async with served(tmp_path) as at:
            good = [message(5, number, batch_id=number) for number in range(3)]
            got = []

            async def read():
                async for each in at.stream(iter([*good, InferRequest(boards=b"\0"), *good])):
                    got.append(each.batch_id)

            with pytest.raises(grpc.aio.AioRpcError) as fault:
                await read()
            assert got == [0, 1, 2]
            # gRPC's client has its own word where it was still writing when the stream ended
            assert fault.value.code() is StatusCode.INVALID_ARGUMENT or fault.value.details() == CORE
            await at.infer(message(1))

    asyncio.run(test())


def test_a_stream_whose_client_goes_leaves_nothing_behind(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False)) as at:

            async def requests():
                for _ in range(10):
                    yield message(100)
                await asyncio.Event().wait()

            call = at.stream(requests())
            reading = asyncio.ensure_future(call.read())
            await at.comes_to(lambda: at.count("pending_boards") >= 400)
            call.cancel()
            with suppress(asyncio.CancelledError):
                await reading
            await at.comes_to(lambda: at.count("queued_boards") == 0)

    asyncio.run(test())


@pytest.mark.parametrize("header", [None, "Bearer wrong", "secret", "Bearer secret"])
def test_a_server_with_a_token_wants_it(tmp_path, header):
    async def test():
        async with served(tmp_path, token=Token(b"secret")) as at:
            metadata = () if header is None else (("authorization", header),)
            if header == "Bearer secret":
                assert (await at.infer(message(1), metadata=metadata)).probs_concat
                return
            refused = await fails(at.infer(message(1), metadata=metadata), StatusCode.UNAUTHENTICATED)
            assert "secret" not in refused.details()
            with pytest.raises(grpc.aio.AioRpcError, match="wants its token"):
                await at.stream(iter([message(1)]), metadata=metadata).read()
            assert at.held.sizes == []

    asyncio.run(test())
