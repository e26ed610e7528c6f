"""Boards and answers to messages and back: the one place that knows the layout of requests and responses.

The server reads requests and packs responses, clients pack requests and read responses. A request has one of two
forms: items, each a board with an id, answered item by item; or `boards`, the bulk form, answered by arrays.

Shapes: B boards, 4 moves in the order UDLR, N bins, V logits of all value heads, D hidden_size.
"""

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from railyard.board.inference.inference_pb2 import (
    HeadLogits,
    HeadProbs,
    InferRequest,
    InferResponse,
    Item,
    ModelMetadata,
    Output,
    PolicyMetadata,
    ValueHeadSpec,
)
from railyard.board.inference.value_dtypes import BF16, BY_NAME, BY_NUMBER, FP32, Travel, ValueDType
from railyard.board.model.answers import Answers, ModelFacts, Wanted
from railyard.core.arrays import F32, U8
from railyard.core.errors import RailyardError

CELLS, MOVES = 16, 4
SERVICE = "train_2048.inference.v1.Inference"
INFER, INFER_STREAM = f"/{SERVICE}/Infer", f"/{SERVICE}/InferStream"
MOST_BYTES = 64 << 20  # of a message, either way
ROOM = 64 << 10  # of a message, for what is not an array
LENGTH_DELIMITED = 2  # type of a field on the wire


class BadRequest(RailyardError):
    """A request that cannot be answered; the message says which item and why."""


class BadResponse(RailyardError):
    """A response that does not answer its request."""


class Request(NamedTuple):
    """What a request asks."""

    boards_B16: U8
    item_ids: Sequence[int] | None  # None: the bulk form
    wanted: Wanted
    batch_id: int = 0
    provenance: bool = False


class Response(NamedTuple):
    """What a response says."""

    answers: Answers
    item_ids: Sequence[int] | None  # None: the bulk form
    batch_id: int
    facts: ModelFacts


def pack_request(request: Request) -> InferRequest:
    """The message of a request."""
    is_bulk, wanted = request.item_ids is None, request.wanted
    message = InferRequest(
        batch_id=request.batch_id,
        return_embedding=wanted.embeddings,
        argmax_only=not (wanted.probabilities or wanted.logits or wanted.embeddings),
        return_logits=wanted.logits,
        return_value_heads=wanted.values,
        return_provenance=request.provenance,
    )
    if is_bulk:
        message.boards = request.boards_B16.tobytes()
    for item_id, board in zip(request.item_ids or (), request.boards_B16, strict=not is_bulk):
        message.items.append(Item(id=item_id, board=board.tobytes()))
    return message


def read_request(message: InferRequest, facts: ModelFacts, most: int) -> Request:
    """What a message asks of a model. BadRequest for boards that it cannot answer, or more than `most` of them.

    `argmax_only` leaves out probabilities, logits and embeddings, whatever else is asked.
    """
    if message.items and message.boards:
        raise BadRequest("a request holds items or boards, this one has both: send one of them")
    item_ids = None if message.boards else [item.id for item in message.items]
    boards_B16 = _boards(message, most)
    _check_tiles(boards_B16, facts.input_vocab_size)
    full = not message.argmax_only
    wanted = Wanted(full, full and message.return_logits, message.return_value_heads, full and message.return_embedding)
    request = Request(boards_B16, item_ids, wanted, message.batch_id, message.return_provenance)
    if (size := _answer_bytes(request, facts)) > MOST_BYTES:
        fits = len(boards_B16) * (MOST_BYTES - ROOM) // size
        raise BadRequest(
            f"the answer for {len(boards_B16):,} boards would have {size >> 20} MB, a message holds "
            f"{MOST_BYTES >> 20}: ask for {fits:,} boards at a time, or for less about each"
        )
    return request


def _boards(message: InferRequest, most: int) -> U8:
    if message.boards:
        if len(message.boards) % CELLS:
            raise BadRequest(
                f"boards has {len(message.boards):,} bytes, board {len(message.boards) // CELLS} is cut off: "
                "a board has 16 bytes, one exponent each"
            )
        boards = [message.boards]
        count = len(message.boards) // CELLS
    else:
        boards = [item.board for item in message.items]
        count = len(boards)
        for place, board in enumerate(boards):
            if len(board) != CELLS:
                raise BadRequest(f"item {place} has a board of {len(board)} bytes, expected 16, one exponent each")
    if count > most:
        raise BadRequest(f"item {most} is one too many: a request holds at most {most:,} boards, this one {count:,}")
    return np.frombuffer(b"".join(boards), np.uint8).reshape(count, CELLS)


def _check_tiles(boards_B16: U8, known: int) -> None:
    if boards_B16.max(initial=0) < known:
        return
    board, cell = (int(place[0]) for place in np.nonzero(boards_B16 >= known))
    raise BadRequest(
        f"item {board} holds the exponent {boards_B16[board, cell]} in cell {cell}, but this model knows exponents "
        f"below {known} (input_vocab_size)"
    )


def _answer_bytes(request: Request, facts: ModelFacts) -> int:
    """Bytes of a response, at most."""
    wanted = request.wanted
    heads = (wanted.probabilities + wanted.logits) * MOVES * (facts.bins * 4 + (12 if request.item_ids else 0))
    beside = wanted.values * facts.value_width * 4 + wanted.embeddings * facts.hidden_size * 4
    return len(request.boards_B16) * (heads + beside + 32) + ROOM


def pack_response(request: Request, answers: Answers, facts: ModelFacts, latency_ms: int, dtype: ValueDType) -> bytes:
    """The encoded response to a request, in the form of its boards; `dtype` is how value heads travel."""
    is_bulk, wanted = request.item_ids is None, request.wanted
    answers = answers.only(wanted)
    before = InferResponse(batch_id=request.batch_id, item_ids=request.item_ids or ())
    middle = InferResponse(latency_ms=latency_ms)
    after = InferResponse(model_metadata=_metadata(facts, request.provenance))
    if answers.embeddings_BD is not None and len(answers.best_B):
        middle.embed_dim, middle.embed_dtype = answers.embeddings_BD.shape[1], InferResponse.FP32
    if answers.values_BV is not None:
        after.value_specs.extend(ValueHeadSpec(name=name, dim=dim) for name, dim in facts.value_heads)
        after.value_dtype = BY_NAME[dtype].number
        after.value_concat = BY_NAME[dtype].pack(answers.values_BV)
    best_B, mass_B = (None, None) if wanted.probabilities else answers[:2]
    probabilities_B4N, logits_B4N = answers[2:4] if is_bulk else (None, None)
    # repeated fields may stand side by side: the parts make one message, in order of numbers
    parts = (
        before.SerializeToString(),
        b"" if is_bulk else _outputs(answers),
        middle.SerializeToString(),
        *_field(InferResponse.EMBEDDINGS_CONCAT_FIELD_NUMBER, answers.embeddings_BD),
        *_field(InferResponse.ARGMAX_HEADS_FIELD_NUMBER, best_B),
        *_field(InferResponse.ARGMAX_P1_FIELD_NUMBER, mass_B),
        after.SerializeToString(),
        *_field(InferResponse.PROBS_CONCAT_FIELD_NUMBER, probabilities_B4N),
        *_field(InferResponse.LOGITS_CONCAT_FIELD_NUMBER, logits_B4N),
    )
    return b"".join(parts)


def _field(number: int, array: F32 | U8 | None) -> tuple[bytes | memoryview, ...]:
    """The encoded field of an array: float32 or moves, as `bytes` or as packed numbers. Nothing of an empty one.

    By hand, as protobuf takes 100 times as long to encode megabytes as to copy them.
    """
    if array is None or not array.size:
        return ()
    numbers = np.ascontiguousarray(array, array.dtype.newbyteorder("<"))
    return _varint(number << 3 | LENGTH_DELIMITED) + _varint(numbers.nbytes), numbers.data.cast("B")


def _varint(number: int) -> bytes:
    data = bytearray()
    while number > 0x7F:
        data.append(number & 0x7F | 0x80)
        number >>= 7
    return bytes([*data, number])


def _outputs(answers: Answers) -> bytes:
    """The encoded `outputs`, one a board. All have one layout, so the numbers are put into copies of a first one."""
    heads = [part for part in (answers.probabilities_B4N, answers.logits_B4N) if part is not None]
    count = len(answers.best_B)
    if not heads or not count:
        return b""
    bins = heads[0].shape[2]
    output = Output(heads=[HeadProbs(probs=[0.0] * bins)] * MOVES)
    output.head_logits.extend([HeadLogits(logits=[0.0] * bins)] * MOVES * (len(heads) - 1))
    first = np.frombuffer(InferResponse(outputs=[output]).SerializeToString(), np.uint8)
    rows = np.tile(first, (count, 1))
    numbers = np.concatenate(heads, axis=1, dtype="<f4").view(np.uint8)  # [B, 4 or 8, 4 N]
    width = output.ByteSize() // numbers.shape[1]
    body = rows[:, len(first) - output.ByteSize() :].reshape(count, numbers.shape[1], width)
    body[:, :, -numbers.shape[2] :] = numbers
    rows[:, len(first) - output.ByteSize() :] = body.reshape(count, -1)
    return rows.tobytes()


def _metadata(facts: ModelFacts, provenance: bool) -> ModelMetadata:
    policy = PolicyMetadata(
        head_type=facts.head_type,
        bin_count=facts.bin_count,
        tokenizer_type=facts.tokenizer_type,
        vocab_labels=facts.vocab_labels,
    )
    if not provenance:
        return ModelMetadata(policy=policy)
    return ModelMetadata(
        policy=policy,
        model_hash=facts.model_hash,
        tokenizer_hash=facts.tokenizer_hash,
        code_version=facts.code_version,
        value_heads=[name for name, _ in facts.value_heads],
        input_vocab_size=facts.input_vocab_size,
    )


def read_response(message: InferResponse, request: Request) -> Response:
    """What a message answers to a request. BadResponse where something is missing or of another size.

    Items may come in another order than they were asked, or be missing: whoever asked goes by `item_ids`.
    """
    is_bulk = request.item_ids is None
    count = len(request.boards_B16) if is_bulk else len(message.item_ids)
    wanted = request.wanted
    probabilities = logits = None
    if is_bulk:
        probabilities = _bulk(message.probs_concat, count, "probs_concat")
        logits = _bulk(message.logits_concat, count, "logits_concat")
    elif message.outputs:
        probabilities = _heads([[head.probs for head in output.heads] for output in message.outputs], count, "heads")
        if wanted.logits:
            nested = [[head.logits for head in output.head_logits] for output in message.outputs]
            logits = _heads(nested, count, "head_logits")
    best_B, mass_B = _best(message, count, probabilities)
    answers = Answers(best_B, mass_B, probabilities, logits, _values(message, count), _embeddings(message, count))
    for part, is_wanted, name in zip(answers[2:], wanted, Wanted._fields, strict=True):
        if is_wanted and part is None and count:
            raise BadResponse(f"the response holds no {name}, which were asked for: this server does not give them")
    item_ids = None if is_bulk else list(message.item_ids)
    return Response(answers.only(wanted), item_ids, message.batch_id, _facts(message))


def _best(message: InferResponse, count: int, probabilities_B4N: F32 | None) -> tuple[U8, F32]:
    if probabilities_B4N is None:
        if len(message.argmax_heads) != count or len(message.argmax_p1) != count:
            raise BadResponse(f"the response has {len(message.argmax_heads)} moves for {count} boards")
        best_B, mass_B = np.array(message.argmax_heads, np.uint32), np.array(message.argmax_p1, np.float32)
        if best_B.max(initial=0) >= MOVES:
            raise BadResponse(f"the response names move {best_B.max()}, there are 4")
        return best_B.astype(np.uint8), mass_B
    last_B4 = probabilities_B4N[:, :, -1]
    best_B = last_B4.argmax(axis=1)
    return best_B.astype(np.uint8), np.take_along_axis(last_B4, best_B[:, None], axis=1)[:, 0]


def _bulk(data: bytes, count: int, name: str) -> F32 | None:
    """[B, 4, N] with what N fits; None of no bytes."""
    if not data:
        return None
    if count == 0 or len(data) % (count * MOVES * 4):
        raise BadResponse(f"{name} has {len(data):,} bytes, which do not divide among {count} boards of 4 moves")
    return FP32.unpack(data).reshape(count, MOVES, -1)


def _rows(data: bytes, dtype: Travel, count: int, width: int, name: str) -> F32:
    if len(data) != count * width * dtype.size:
        raise BadResponse(f"{name} has {len(data):,} bytes for {count} boards of {width} numbers of {dtype.size} bytes")
    return dtype.unpack(data).reshape(count, width)


def _heads(nested: list[list[Sequence[float]]], count: int, name: str) -> F32:
    widths = {len(numbers) for heads in nested for numbers in heads}
    if len(nested) != count or len(widths) != 1 or widths == {0} or {len(heads) for heads in nested} != {MOVES}:
        raise BadResponse(f"{name}: expected {count} outputs of 4 heads of one size")
    return np.array(nested, np.float32)


def _values(message: InferResponse, count: int) -> F32 | None:
    dtype = BY_NUMBER.get(message.value_dtype)
    if dtype is None:
        return None
    width = sum(spec.dim for spec in message.value_specs)
    return _rows(message.value_concat, dtype, count, width, "value_concat")


def _embeddings(message: InferResponse, count: int) -> F32 | None:
    if not message.embeddings_concat:
        return None
    dtype = BF16 if message.embed_dtype == InferResponse.BF16 else FP32
    return _rows(message.embeddings_concat, dtype, count, message.embed_dim, "embeddings_concat")


def _facts(message: InferResponse) -> ModelFacts:
    about, policy = message.model_metadata, message.model_metadata.policy
    return ModelFacts(
        head_type=policy.head_type,
        bin_count=policy.bin_count,
        tokenizer_type=policy.tokenizer_type,
        vocab_labels=tuple(policy.vocab_labels),
        value_heads=tuple((spec.name, spec.dim) for spec in message.value_specs),
        hidden_size=message.embed_dim,
        input_vocab_size=about.input_vocab_size,
        model_hash=about.model_hash,
        tokenizer_hash=about.tokenizer_hash,
        code_version=about.code_version,
    )
