"""The client against servers without a model: batches, windows, faults, and no call that is left without an answer."""

import asyncio
import json
import logging

import grpc
import numpy as np
import pytest
from fake_inference import FACTS, FakeServer, answers_of, until

from railyard.board.inference.client import connection
from railyard.board.inference.client.config import Client
from railyard.board.inference.client.interface import ClientClosed, ServerLost
from railyard.board.inference.client.servers import ServerClient
from railyard.board.model.answers import Wanted
from railyard.core.errors import UserError

ALL = Wanted(True, True, True, True)
KNOBS = {"target_batch": 8, "max_batch": 8, "flush_us": 1000}


def boards(count, seed=0):
    return np.random.default_rng(seed).integers(0, 18, (count, 16)).astype(np.uint8)


def equal(found, wanted):
    for mine, theirs in zip(found, wanted, strict=True):
        np.testing.assert_array_equal(mine, theirs)


@pytest.fixture
def address(tmp_path):
    return f"unix:{tmp_path}/a"


@pytest.fixture
def second(tmp_path):
    return f"unix:{tmp_path}/b"


def run(test, *addresses, **knobs):
    """`await test(client)`; afterwards no call is left, whatever happened."""

    async def all_of_it():
        async with ServerClient(addresses, Client(**{**KNOBS, **knobs})) as client:
            try:
                return await test(client)
            finally:
                await until(lambda: client.unresolved == 0)
                assert [each.held for each in client._connections] == [0] * len(addresses)

    return asyncio.run(all_of_it())


def test_calls_get_the_answers_to_their_boards(address):
    async def test(client):
        async with FakeServer(address) as server:
            asked = [boards(count, count) for count in (1, 3, 8, 20, 1)]
            found = await asyncio.gather(*(client.ask(each, ALL) for each in asked))
            for each, answers in zip(asked, found, strict=True):
                equal(answers, answers_of(each))
            assert sum(server.asked) == 33 + 1  # and the first board, that asks what is served
            assert max(server.asked) == 8

    run(test, address)


@pytest.mark.parametrize("wanted", [Wanted(False), Wanted(), Wanted(True, False, False, True)])
def test_a_call_gets_what_it_wants_of_a_batch(address, wanted):
    async def test(client):
        async with FakeServer(address):
            asked = boards(3)
            found, other = await asyncio.gather(client.ask(asked, wanted), client.ask(asked, ALL))
            equal(found, answers_of(asked).only(wanted))
            equal(other, answers_of(asked))

    run(test, address)


def test_a_server_of_the_first_version(address):
    async def test(client):
        async with FakeServer(address, part_a=True) as server:
            asked = boards(20)
            wanted = Wanted(embeddings=True)
            equal(await client.ask(asked, wanted), answers_of(asked).only(wanted))
            blocks = [block async for block in client.stream([asked, asked[:3]], wanted)]
            equal(blocks[1], answers_of(asked[:3]).only(wanted))
            assert (await client.facts()).model_hash == ""
            assert not server.streamed

    async def nothing(client):
        async with FakeServer(address, part_a=True):
            with pytest.raises(ServerLost, match="head_logits: expected 2 outputs of 4 heads"):
                await client.ask(boards(2), ALL)

    run(test, address)
    run(nothing, address, retries=0)


def test_items_may_come_in_any_order(address):
    def turned(response):
        ids, outputs = list(response.item_ids)[::-1], list(response.outputs)[::-1]
        del response.item_ids[:], response.outputs[:]
        response.item_ids.extend(ids)
        response.outputs.extend(outputs)
        return response

    async def test(client):
        async with FakeServer(address, part_a=True, change=turned):
            asked = boards(8)
            equal(await client.ask(asked, Wanted()), answers_of(asked).only(Wanted()))

    run(test, address)


def test_an_answer_without_an_item_id_is_asked_for_again_and_then_said(address):
    left = [2]

    def forgetful(response):
        if len(response.item_ids) > 1 and left[0]:
            left[0] -= 1
            del response.item_ids[-1], response.outputs[-1]
        return response

    async def test(client):
        async with FakeServer(address, part_a=True, change=forgetful):
            asked = boards(8)
            equal(await client.ask(asked, Wanted()), answers_of(asked).only(Wanted()))
            left[0] = 100
            with pytest.raises(ServerLost, match=r"no answer after 4 tries, the last: .*7 answers, which name 7 of 8"):
                await client.ask(asked, Wanted())

    run(test, address, retries=3)


def test_a_server_that_dies_and_comes_back(address):
    async def test(client):
        server = FakeServer(address)
        await server.start()
        await client.facts()
        await server.stop()
        asked = boards(30)
        waiting = asyncio.create_task(client.ask(asked, ALL))
        streaming = asyncio.create_task(_listed(client.stream([asked[:4], asked[4:9]], ALL)))
        await until(lambda: client._connections[0]._failures > 1)
        assert not waiting.done()
        async with server:
            equal(await waiting, answers_of(asked))
            equal((await streaming)[1], answers_of(asked[4:9]))

    run(test, address)


def test_a_server_that_dies_in_the_middle_of_streams_and_calls(address):
    """It is stopped with requests under way, again and again."""

    async def test(client):
        server = FakeServer(address)
        asked = boards(400)
        blocks = [asked[at : at + 10] for at in range(0, 400, 10)]
        async with server:
            tasks = [asyncio.create_task(client.ask(block, ALL)) for block in blocks]
            stream = asyncio.create_task(_listed(client.stream(blocks, ALL)))
            for count in (3, 6, 9):
                await until(lambda count=count: len(server.streamed) >= count and len(server.asked) >= count)
                await server.stop()
                await server.start()
            for block, answers, streamed in zip(blocks, await asyncio.gather(*tasks), await stream, strict=True):
                equal(answers, answers_of(block))
                equal(streamed, answers_of(block))

    run(test, address)


async def until_answered(client):
    """A channel waits a second at most before it connects again."""
    async with asyncio.timeout(30):
        while True:
            try:
                return equal(await client.ask(boards(4), ALL), answers_of(boards(4)))
            except ServerLost:
                await asyncio.sleep(0.05)


async def _gathered(answers, found):
    async for each in answers:
        found.append(each)


async def _listed(answers):
    return [each async for each in answers]


def test_one_of_two_that_dies(address, second):
    async def test(client):
        first = FakeServer(address)
        asked = [boards(8, seed) for seed in range(30)]
        async with FakeServer(second) as other:
            await first.start()
            await client.facts()
            tasks = [asyncio.create_task(client.ask(each, ALL)) for each in asked]
            await until(lambda: len(first.asked) > 2)
            await first.stop()
            for each, found in zip(asked, await asyncio.gather(*tasks), strict=True):
                equal(found, answers_of(each))
            assert sum(first.asked) >= 16
            assert sum(other.asked) >= 16

    run(test, address, second)


def test_a_slow_one_gets_less_and_a_silent_one_is_given_up(address, second):
    async def slow(context, message):
        if len(message.boards) > 16:
            await asyncio.sleep(60)

    async def test(client):
        async with FakeServer(address, handle=slow), FakeServer(second) as other:
            asked = [boards(8, seed) for seed in range(20)]
            for each, found in zip(
                asked, await asyncio.gather(*(client.ask(each, ALL) for each in asked)), strict=True
            ):
                equal(found, answers_of(each))
            assert sum(other.asked) >= 8 * 20

    run(test, address, second, deadline_s=0.3)


def test_nobody_answers_any_more(address):
    async def test(client):
        server = FakeServer(address)
        await server.start()
        await client.facts()
        await server.stop()
        calls = await asyncio.gather(
            *(client.ask(boards(5), ALL) for _ in range(9)), _listed(client.stream([boards(5)] * 3, ALL)),
            return_exceptions=True,
        )  # fmt: skip
        assert {type(call) for call in calls} == {ServerLost}
        assert "no answer after 3 tries, the last: unix:" in "".join(map(str, calls))
        async with server:
            await until_answered(client)

    run(test, address, retries=2)


def test_nobody_answers_at_all(address):
    async def test(client):
        with pytest.raises(UserError, match=r"nobody answers on unix:.*: start a server with railyard serve"):
            await client.facts()

    run(test, address)


def test_of_two_one_is_not_there_yet(address, second, caplog):
    async def test(client):
        async with FakeServer(address):
            assert await client.facts() == FACTS
        assert "a server does not answer, the others go on" in caplog.text

    with caplog.at_level(logging.WARNING):
        run(test, address, second)


def test_servers_of_two_models_are_refused(address, second):
    async def test(client):
        async with FakeServer(address), FakeServer(second, FACTS._replace(model_hash="e" * 64)):
            with pytest.raises(UserError, match=r"serves another model than unix:.* did.*give servers of one model"):
                await client.facts()

    run(test, address, second)


def test_a_server_that_comes_back_with_another_model_is_refused(address):
    async def test(client):
        async with FakeServer(address):
            await client.facts()
        async with FakeServer(address, FACTS._replace(model_hash="e" * 64)):
            with pytest.raises(UserError, match="serves another model"):
                await client.ask(boards(3), ALL)

    run(test, address)


def test_a_full_server_says_when_to_ask_again(address):
    refused = []

    async def full(context, message):
        if len(message.boards) > 16 and len(refused) < 2:
            refused.append(asyncio.get_running_loop().time())
            await context.abort(grpc.StatusCode.RESOURCE_EXHAUSTED, "full", (("retry-after-ms", "70"),))

    async def test(client):
        async with FakeServer(address, handle=full):
            asked = boards(5)
            equal(await client.ask(asked, ALL), answers_of(asked))
            assert len(refused) == 2
            assert refused[1] - refused[0] >= 0.07

    run(test, address)


@pytest.mark.parametrize(
    ("code", "kind", "sentence"),
    [
        (grpc.StatusCode.INVALID_ARGUMENT, UserError, "cannot answer this: because"),
        (grpc.StatusCode.UNAUTHENTICATED, UserError, "wants a token: client.token_file=FILE"),
        (grpc.StatusCode.UNIMPLEMENTED, UserError, "it is no inference server, or an older one"),
        (grpc.StatusCode.INTERNAL, ServerLost, "failed: INTERNAL, because"),
    ],
)
def test_what_is_not_worth_repeating_is_said_at_once(address, code, kind, sentence):
    async def broken(context, message):
        if len(message.boards) > 16:
            await context.abort(code, "because")

    async def test(client):
        async with FakeServer(address, handle=broken) as server:
            with pytest.raises(kind, match=sentence):
                await client.ask(boards(5), ALL)
            assert server.asked == [1, 5]
            with pytest.raises(kind, match=sentence):
                await _listed(client.stream([boards(5)], ALL))

    run(test, address)


def test_streams_keep_their_order_and_their_window(address, second):
    drawn = []
    consumed = [0]

    def blocks():
        for count in range(40):
            drawn.append(count)
            assert count - consumed[0] <= 2 * 2 + 1
            yield boards(count % 7 + 1, count)

    async def uneven(context, message):
        await asyncio.sleep(message.batch_id % 3 / 500)

    async def test(client):
        async with FakeServer(address, handle=uneven) as one, FakeServer(second) as two:
            async for answers in client.stream(blocks(), ALL):
                equal(answers, answers_of(boards(consumed[0] % 7 + 1, consumed[0])))
                consumed[0] += 1
            assert len(one.streamed) + len(two.streamed) == 40
            assert one.streamed
            assert two.streamed

    run(test, address, second)
    assert consumed == [40]


def test_a_failure_in_the_middle_of_a_stream_comes_after_what_was_answered(address):
    async def test(client):
        async with FakeServer(address):
            blocks = [boards(4, seed) for seed in range(9)]
            blocks[6] = np.full((4, 16), 99, np.uint8)
            found = []
            with pytest.raises(UserError, match="cannot answer this"):
                await _gathered(client.stream(blocks, ALL), found)
            assert len(found) <= 6
            for block, answers in zip(blocks, found, strict=False):
                equal(answers, answers_of(block))

    run(test, address)


def test_a_stream_may_be_left(address):
    async def test(client):
        async with FakeServer(address):
            stream = client.stream([boards(4)] * 50, ALL)
            await anext(stream)
            await stream.aclose()
            equal(await client.ask(boards(2), ALL), answers_of(boards(2)))

    run(test, address)


def test_closing_resolves_every_call(address):
    async def test():
        async def silent(context, message):
            await asyncio.sleep(60)

        async with FakeServer(address, handle=silent):
            client = ServerClient([address], Client(**KNOBS, queue_cap=16))
            calls = [asyncio.create_task(client.ask(boards(5), ALL)) for _ in range(40)]
            calls.append(asyncio.create_task(_listed(client.stream([boards(4)] * 9, ALL))))
            await asyncio.sleep(0)
            await until(lambda: client._queued >= 16 - 5)
            await client.aclose()
            await client.aclose()
            ends = await asyncio.gather(*calls, return_exceptions=True)
            assert {type(end) for end in ends[:-1]} == {ClientClosed}
            assert client.unresolved == 0
            with pytest.raises(ClientClosed):
                await client.ask(boards(1), ALL)

    asyncio.run(test())


def test_a_caller_that_leaves_is_forgotten(address):
    async def test(client):
        async with FakeServer(address) as server:
            await client.facts()
            call = asyncio.create_task(client.ask(boards(3), ALL))
            await asyncio.sleep(0)
            call.cancel()
            await asyncio.gather(call, return_exceptions=True)
            equal(await client.ask(boards(2), ALL), answers_of(boards(2)))
            assert server.asked == [1, 2]

    run(test, address, flush_us=20_000)


def test_the_queue_is_bounded(address):
    async def test(client):
        most = [0]

        async def watch(context, message):
            most[0] = max(most[0], client._queued)

        async with FakeServer(address, handle=watch):
            asked = [boards(7, seed) for seed in range(60)]
            found = await asyncio.gather(*(client.ask(each, ALL) for each in asked))
            for each, answers in zip(asked, found, strict=True):
                equal(answers, answers_of(each))
            assert 0 < most[0] <= 20

    run(test, address, queue_cap=20)


def test_a_window_is_never_exceeded(address):
    async def test(client):
        most = [0]

        async def watch(context, message):
            most[0] = max(most[0], client._connections[0].held)
            await asyncio.sleep(0.001)

        async with FakeServer(address, handle=watch):
            await asyncio.gather(*(client.ask(boards(7, seed), ALL) for seed in range(60)))
            assert 16 < most[0] <= 24

    run(test, address, inflight_batches=3)


def test_metric_lines_have_the_keys_of_the_reference(address, tmp_path):
    async def test(client):
        async with FakeServer(address):
            for count in range(1, 13):
                await client.ask(boards(count), ALL)

    run(test, address, metrics_file=tmp_path / "deep" / "lines.jsonl", target_batch=16, max_batch=16)
    lines = [json.loads(line) for line in (tmp_path / "deep" / "lines.jsonl").read_text().splitlines()]
    assert list(lines[-1]) == [
        *("ts", "items_per_s", "batches_per_s", "total_items", "total_batches", "top_batch_sizes", "missed_batches"),
        *("top_item_sizes", "missed_items"),
    ]
    last = lines[-1]
    assert (last["total_items"], last["total_batches"]) == (78, 12)
    assert len(last["top_batch_sizes"]) == len(last["top_item_sizes"]) == 10
    assert last["missed_batches"] == 2
    assert last["top_item_sizes"][0] == [12, 12]
    assert last["missed_items"] == 1 + 2


def test_a_defect_of_the_client_itself_ends_the_calls(address, monkeypatch):
    async def test(client):
        monkeypatch.setattr(client, "_take", lambda: 1 / 0)
        for _ in range(2):
            with pytest.raises(ZeroDivisionError):
                await client.ask(boards(1), ALL)

    run(test, address)


def test_a_message_beyond_the_limit_is_said_at_once(address, monkeypatch):
    monkeypatch.setattr(connection, "MOST_BYTES", 1000)

    async def test(client):
        async with FakeServer(address):
            with pytest.raises(UserError, match="is larger than a message may be, 1,000 bytes: ask for fewer"):
                await client.ask(boards(100), ALL)
            with pytest.raises(UserError, match="is larger than a message may be, 1,000 bytes: ask for fewer"):
                await _listed(client.stream([boards(100)], ALL))

    run(test, address, target_batch=100, max_batch=100)


def test_an_answer_beyond_the_limit_is_said_at_once(address, monkeypatch):
    options = tuple(option for option in connection.OPTIONS if option[0] != "grpc.max_receive_message_length")
    monkeypatch.setattr(connection, "OPTIONS", (("grpc.max_receive_message_length", 4000), *options))

    async def test(client):
        async with FakeServer(address):
            for answers in (client.ask(boards(100), ALL), _listed(client.stream([boards(100)], ALL))):
                with pytest.raises(UserError, match=r"larger than max.*; ask for fewer boards at a time"):
                    await answers

    run(test, address, target_batch=100, max_batch=100)


def test_no_boards_are_a_mistake_of_the_caller(address):
    async def test(client):
        with pytest.raises(ValueError, match="one board or more"):
            await client.ask(boards(0), ALL)

    run(test, address)
