"""The messages are those of the .proto, and encode what the reference encodes."""

import json
from pathlib import Path

import pytest
from google.protobuf.descriptor_pb2 import FileDescriptorProto, FileDescriptorSet

from railyard.board.inference import inference_pb2
from railyard.board.inference.inference_pb2 import InferRequest, InferResponse

ROOT = Path(__file__).resolve().parents[3]
FOLDER, FILE = ROOT / "proto", "train_2048/inference/v1/inference.proto"
WIRE = json.loads((ROOT / "tests" / "fixtures" / "board" / "12_wire.json").read_text())
CASES = ["full", "argmax_only", "return_embedding", "argmax_only+return_embedding"]


def compiled(tmp_path):
    """The description of the .proto by a compiler."""
    from grpc_tools import protoc

    made = tmp_path / "set"
    assert protoc.main(["protoc", f"-I{FOLDER}", f"--descriptor_set_out={made}", FILE]) == 0
    (described,) = FileDescriptorSet.FromString(made.read_bytes()).file
    for message in described.message_type:
        for field in message.field:
            field.ClearField("json_name")  # only the compiler writes it down
    return described


def test_the_messages_are_those_of_the_proto(tmp_path):
    assert FileDescriptorProto.FromString(inference_pb2.DESCRIPTOR.serialized_pb) == compiled(tmp_path)


@pytest.mark.parametrize("name", CASES)
def test_requests_and_responses_of_the_reference_keep_their_bytes(name):
    for key, kind in (("request_hex", InferRequest), ("response_hex_latency0", InferResponse)):
        data = bytes.fromhex(WIRE[name][key])
        assert kind.FromString(data).SerializeToString() == data


def test_fields_of_the_reference_have_their_numbers():
    for message, fields in WIRE["fields"].items():
        described = inference_pb2.DESCRIPTOR.message_types_by_name[message].fields_by_name
        for name, (number, kind, label) in fields.items():
            field = described[name]
            assert (field.number, field.type, field.is_repeated) == (number, kind, label == "repeated")
    values = InferResponse.EmbedDType.items()
    assert dict(values) == WIRE["enum EmbedDType"]


@pytest.mark.parametrize(
    ("message", "numbers"), [("InferRequest", {6, 7}), ("Output", {3}), ("ModelMetadata", {2})]
)
def test_numbers_of_another_variant_stay_free(message, numbers):
    described = FileDescriptorProto.FromString(inference_pb2.DESCRIPTOR.serialized_pb)
    (found,) = (kind for kind in described.message_type if kind.name == message)
    assert {number for gap in found.reserved_range for number in range(gap.start, gap.end)} == numbers
