"""A server's life: health, draining, reflection, and what it leaves undone."""

import asyncio

import grpc
import pytest
from fake_inference import FACTS
from grpc import StatusCode
from grpc_health.v1 import health_pb2, health_pb2_grpc
from grpc_reflection.v1alpha import reflection_pb2, reflection_pb2_grpc
from served import Held, served

from railyard.board.inference.inference_pb2 import InferRequest
from railyard.board.inference.packing import INFER, SERVICE
from railyard.board.inference.server.batcher import Batcher, Limits
from railyard.board.inference.server.figures import Figures
from railyard.board.inference.server.server import Given, Server
from railyard.core.errors import RailyardError, UserError

ONE = InferRequest(boards=bytes(16))
HEALTH = health_pb2.HealthCheckResponse


async def health_of(channel, name):
    answer = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest(service=name))
    return answer.status


@pytest.mark.parametrize("name", ["", SERVICE])
def test_health_is_serving_until_the_drain_begins(tmp_path, name):
    async def test():
        async with served(tmp_path, Held(free=False), drained=False) as at:
            assert await health_of(at.channel, name) == HEALTH.SERVING
            waiting = asyncio.ensure_future(at.infer(ONE))
            await at.comes_to(lambda: at.held.sizes == [1])
            watched = health_pb2_grpc.HealthStub(at.channel).Watch(health_pb2.HealthCheckRequest(service=name))
            assert (await watched.read()).status == HEALTH.SERVING
            draining = asyncio.ensure_future(at.server.drain(30))
            assert (await watched.read()).status == HEALTH.NOT_SERVING
            at.held.free.set()
            assert (await waiting).probs_concat
            watched.cancel()
            await draining

    asyncio.run(test())


def test_a_drain_answers_what_was_accepted_and_refuses_what_comes(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False), drained=False) as at:
            asked = [asyncio.ensure_future(at.infer(ONE)) for _ in range(20)]
            await at.comes_to(lambda: at.count("pending_boards") == 20)
            draining = asyncio.ensure_future(at.server.drain(30))
            await asyncio.sleep(0)
            with pytest.raises(grpc.aio.AioRpcError) as refused:
                await at.infer(ONE)
            assert refused.value.code() is StatusCode.UNAVAILABLE
            at.held.free.set()
            assert all(answer.probs_concat for answer in await asyncio.gather(*asked))
            await draining

    asyncio.run(test())


def test_what_takes_longer_than_the_drain_may_is_given_up_and_said(tmp_path):
    async def test():
        async with served(tmp_path, Held(free=False), drained=False) as at:
            asked = [asyncio.ensure_future(at.infer(ONE)) for _ in range(3)]
            await at.comes_to(lambda: at.count("pending_boards") == 3)
            with pytest.raises(RailyardError, match=r"[23] boards were given up: .* more than drain_s=0.01"):
                await at.server.drain(0.01)
            ends = await asyncio.gather(*asked, return_exceptions=True)
            assert all(isinstance(end, grpc.aio.AioRpcError) for end in ends)
            at.held.free.set()

    asyncio.run(test())


def test_a_stream_that_sends_nothing_does_not_hold_up_the_end(tmp_path, monkeypatch):
    monkeypatch.setattr("railyard.board.inference.server.server.GRACE", 0.05)

    async def test():
        async with served(tmp_path, drained=False) as at:
            stream = at.stream()
            await stream.write(ONE)
            assert (await stream.read()).probs_concat
            await at.server.drain(30)
            with pytest.raises(grpc.aio.AioRpcError):
                await stream.read()

    asyncio.run(test())


@pytest.mark.parametrize("is_on", [False, True])
def test_reflection_is_off_unless_asked_for(tmp_path, is_on):
    async def test():
        async with served(tmp_path, reflection=is_on) as at:
            stub = reflection_pb2_grpc.ServerReflectionStub(at.channel)
            asked = reflection_pb2.ServerReflectionRequest(list_services="")
            if not is_on:
                with pytest.raises(grpc.aio.AioRpcError) as refused:
                    await stub.ServerReflectionInfo(iter([asked])).read()
                assert refused.value.code() is StatusCode.UNIMPLEMENTED
                return
            (answer,) = [each async for each in stub.ServerReflectionInfo(iter([asked]))]
            assert SERVICE in {service.name for service in answer.list_services_response.service}

    asyncio.run(test())


def test_two_servers_do_not_share_a_port():
    async def test():
        one = Server("127.0.0.1:0")
        with pytest.raises(UserError, match="address already in use"):
            Server(one.address)
        await one.drain(1)

    asyncio.run(test())


def test_a_defect_of_the_batcher_ends_the_task_of_the_server(tmp_path, monkeypatch):
    def broken(self):
        raise ZeroDivisionError("in the batcher")

    async def test():
        monkeypatch.setattr(Batcher, "_take", broken)
        server = Server(f"unix:{tmp_path}/s")
        running = await server.start(Given(Held(), FACTS, Limits((16,), 16, 0.0, 100), Figures((16,))))
        async with grpc.aio.insecure_channel(server.address) as channel:
            call = channel.unary_unary(INFER)(ONE.SerializeToString())
            with pytest.raises(ZeroDivisionError, match="in the batcher"):
                await running
            await server.drain(1)
            with pytest.raises(grpc.aio.AioRpcError):
                await call

    asyncio.run(test())
