"""Requests and responses: round trips, the reference's bytes, and what is refused."""

import json
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.board.inference import packing
from railyard.board.inference.inference_pb2 import InferRequest, InferResponse, Item
from railyard.board.inference.packing import BadRequest, BadResponse, Request
from railyard.board.inference.value_dtypes import BY_NAME
from railyard.board.model.answers import Answers, ModelFacts, Wanted

FIXTURES = Path(__file__).parents[2] / "fixtures" / "board"
WIRE = json.loads((FIXTURES / "12_wire.json").read_text())
MOST, FULL = 1000, Wanted()


def facts_with(bins=5, dims=(), hidden=3):
    heads = tuple((f"value_{place}", dim) for place, dim in enumerate(dims))
    kind = "binned_ev" if bins > 1 else "action_policy"
    return ModelFacts(
        *(kind, bins if bins > 1 else 0, "some_tokenizer", ("A", "B"), heads, hidden, 18, "a" * 64, "b" * 64, "c")
    )


def answers_for(count, facts, seed=0):
    draw = np.random.default_rng(seed)

    def floats(*shape):
        return draw.normal(size=(count, *shape)).astype(np.float32)

    probabilities_B4N = np.abs(floats(4, facts.bins))
    last_B4 = probabilities_B4N[:, :, -1]
    return Answers(
        last_B4.argmax(axis=1).astype(np.uint8),
        last_B4.max(axis=1) if count else np.zeros(0, np.float32),
        probabilities_B4N,
        floats(4, facts.bins),
        floats(facts.value_width),
        floats(facts.hidden_size),
    )


def asked(count, is_bulk, wanted=FULL, provenance=False, seed=0):
    boards = np.random.default_rng(seed).integers(0, 18, (count, 16)).astype(np.uint8)
    return Request(boards, None if is_bulk else [2**63 + place for place in range(count)], wanted, 9, provenance)


def sent(request, answers, facts, dtype="fp32"):
    """The response as it comes out at the other end."""
    return InferResponse.FromString(packing.pack_response(request, answers, facts, 0, dtype))


def same(found, expected):
    for one, other in zip(found, expected, strict=True):
        assert (one is None) == (other is None)
        if one is not None:
            np.testing.assert_array_equal(one, other)
            assert (one.dtype, one.shape) == (other.dtype, other.shape)


@given(
    count=st.integers(1, 5),
    is_bulk=st.booleans(),
    wanted=st.builds(Wanted, st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    provenance=st.booleans(),
)
def test_a_request_comes_back(count, is_bulk, wanted, provenance):
    request = asked(count, is_bulk, wanted, provenance)
    message = InferRequest.FromString(packing.pack_request(request).SerializeToString())
    found = packing.read_request(message, facts_with(), MOST)
    is_full = wanted.probabilities or wanted.logits or wanted.embeddings
    assert found.wanted == wanted._replace(probabilities=is_full)
    assert found[1:2] + found[3:] == request[1:2] + request[3:]
    np.testing.assert_array_equal(found.boards_B16, request.boards_B16)


@given(
    count=st.integers(0, 4),
    bins=st.sampled_from([1, 2, 35]),
    dims=st.lists(st.sampled_from([1, 8]), max_size=3),
    dtype=st.sampled_from(sorted(BY_NAME)),
    is_bulk=st.booleans(),
    wanted=st.builds(Wanted, st.booleans(), st.booleans(), st.booleans(), st.booleans()),
    seed=st.integers(0, 99),
)
def test_answers_come_back(count, bins, dims, dtype, is_bulk, wanted, seed):
    if not wanted.probabilities:
        wanted = Wanted(False, False, wanted.values, False)
    facts, travel = facts_with(bins, dims), BY_NAME[dtype]
    request, answers = asked(count, is_bulk and count > 0, wanted), answers_for(count, facts, seed)
    response = packing.read_response(sent(request, answers, facts, dtype), request)
    assert (response.batch_id, response.item_ids) == (9, request.item_ids)
    expected = answers.only(wanted)
    if wanted.values:
        rounded = travel.unpack(travel.pack(answers.values_BV)).reshape(answers.values_BV.shape)
        expected = expected._replace(values_BV=rounded)
    if count:
        same(response.answers, expected)
    assert response.facts[:4] == facts[:4]
    assert response.facts.value_heads == (facts.value_heads if wanted.values else ())


@pytest.mark.parametrize("logits", [False, True])
def test_items_are_encoded_as_protobuf_encodes_them(logits):
    facts = facts_with(35)
    request, answers = asked(3, False, Wanted(logits=logits)), answers_for(3, facts_with(35))
    data = packing.pack_response(request, answers, facts, 7, "fp32")
    message = InferResponse.FromString(data)
    assert message.SerializeToString() == data
    for output, probabilities, numbers in zip(
        message.outputs, answers.probabilities_B4N, answers.logits_B4N, strict=True
    ):
        np.testing.assert_array_equal([head.probs for head in output.heads], probabilities)
        found = [head.logits for head in output.head_logits]
        np.testing.assert_array_equal(found, numbers if logits else np.zeros(0))


@pytest.mark.parametrize("name", ["full", "argmax_only", "return_embedding", "argmax_only+return_embedding"])
def test_the_reference_s_bytes_come_out(name):
    known = WIRE["policy_metadata"]
    facts = ModelFacts(*(known[key] for key in ("head_type", "bin_count", "tokenizer_type", "vocab_labels")))
    request = packing.read_request(
        InferRequest.FromString(bytes.fromhex(WIRE[name]["request_hex"])), facts._replace(input_vocab_size=18), MOST
    )
    data = bytes.fromhex(WIRE[name]["response_hex_latency0"])
    answers = packing.read_response(InferResponse.FromString(data), request).answers
    assert packing.pack_response(request, answers, facts, 0, "fp32").hex() == data.hex()


def test_provenance_is_told_only_to_who_asks():
    facts = facts_with(5, (1, 8))
    for provenance in (False, True):
        request = asked(2, True, Wanted(values=True), provenance)
        found = packing.read_response(sent(request, answers_for(2, facts), facts), request).facts
        unknown = facts._replace(input_vocab_size=0, model_hash="", tokenizer_hash="", code_version="", hidden_size=0)
        assert found == (facts._replace(hidden_size=0) if provenance else unknown)


def test_no_boards_are_answered_with_what_the_model_is():
    facts = facts_with()
    request = packing.read_request(InferRequest(batch_id=9), facts, MOST)
    message = sent(request, answers_for(0, facts), facts)
    assert message.model_metadata.policy.bin_count == 5
    message.ClearField("model_metadata")
    assert message == InferResponse(batch_id=9)


BOARD = bytes(16)


@pytest.mark.parametrize(
    ("message", "says"),
    [
        (
            InferRequest(items=[Item(board=BOARD), Item(board=BOARD[:15])]),
            "item 1 has a board of 15 bytes, expected 16",
        ),
        (InferRequest(items=[Item()]), "item 0 has a board of 0 bytes"),
        (InferRequest(boards=BOARD + BOARD[:7]), "boards has 23 bytes, board 1 is cut off"),
        (InferRequest(items=[Item(board=BOARD)], boards=BOARD), "items or boards, this one has both"),
        (InferRequest(boards=BOARD[:-1] + b"\x12"), "item 0 holds the exponent 18 in cell 15, but this model knows"),
        (
            InferRequest(items=[Item(board=BOARD), Item(board=BOARD[:3] + b"\xff" + BOARD[4:])]),
            "item 1 holds the exponent 255 in cell 3",
        ),
        (InferRequest(boards=BOARD * 1001), "item 1000 is one too many: a request holds at most 1,000 boards"),
        (InferRequest(items=[Item(board=BOARD)] * 1001), "item 1000 is one too many"),
    ],
)
def test_what_cannot_be_answered_is_named(message, says):
    with pytest.raises(BadRequest, match=says):
        packing.read_request(message, facts_with(), MOST)


@pytest.mark.parametrize("is_bulk", [False, True])
@pytest.mark.parametrize("wanted", [Wanted(), Wanted(True, True, True, True)])
def test_an_answer_that_no_message_holds_is_refused(is_bulk, wanted):
    facts = facts_with(2000, (8,), 500)

    def read(count):
        message = packing.pack_request(asked(count, is_bulk, wanted))
        return packing.read_request(message, facts, 10_000)

    with pytest.raises(BadRequest, match=r"the answer for 4,000 boards would have .* MB") as refused:
        read(4000)
    fits = int(str(refused.value).partition("ask for ")[2].split()[0].replace(",", ""))
    assert len(packing.pack_response(read(fits), answers_for(fits, facts), facts, 0, "fp32")) <= packing.MOST_BYTES


def without(message, *fields):
    changed = InferResponse.FromString(message.SerializeToString())
    for field in fields:
        changed.ClearField(field)
    return changed


@pytest.mark.parametrize("is_bulk", [False, True])
@pytest.mark.parametrize(
    ("fields", "says"),
    [
        (("outputs", "probs_concat"), "moves for 3 boards"),
        (("value_dtype",), "no values, which were asked for"),
        (("value_concat",), "value_concat has 0 bytes for 3 boards of 1 numbers"),
        (("embeddings_concat",), "no embeddings"),
        (("embed_dim",), "embeddings_concat has 36 bytes for 3 boards of 0 numbers"),
        (("logits_concat", "outputs"), "no logits|moves for 3 boards"),
    ],
)
def test_a_response_that_lacks_something_is_refused(is_bulk, fields, says):
    facts, request = facts_with(5, (1,)), asked(3, is_bulk, Wanted(True, True, True, True))
    message = sent(request, answers_for(3, facts), facts)
    with pytest.raises(BadResponse, match=says):
        packing.read_response(without(message, *fields), request)


def test_responses_of_other_sizes_are_refused():
    facts, wanted = facts_with(5), Wanted(logits=True)
    bulk = asked(3, True, wanted)
    message = sent(bulk, answers_for(3, facts), facts)
    message.probs_concat = message.probs_concat[:-1]
    with pytest.raises(BadResponse, match="probs_concat has 239 bytes, which do not divide among 3 boards"):
        packing.read_response(message, bulk)
    items = asked(3, False, wanted)
    message = sent(items, answers_for(3, facts), facts)
    del message.outputs[2].heads[3]
    with pytest.raises(BadResponse, match="heads: expected 3 outputs of 4 heads of one size"):
        packing.read_response(message, items)
    best = InferResponse(argmax_heads=[4, 0, 0], argmax_p1=[1, 1, 1])
    with pytest.raises(BadResponse, match="names move 4, there are 4"):
        packing.read_response(best, asked(3, True, Wanted(False)))


def test_embeddings_of_other_servers_may_be_bfloat16():
    values = np.array([[1.5, -2.0], [0.25, 3.0]], np.float32)
    message = InferResponse(argmax_heads=[0, 1], argmax_p1=[0.5, 1.0], embed_dim=2, embed_dtype="BF16", item_ids=[1, 2])
    message.embeddings_concat = BY_NAME["bf16"].pack(values)
    answers = packing.read_response(message, asked(2, False, Wanted(False, embeddings=True))).answers
    np.testing.assert_array_equal(answers.embeddings_BD, values)
