"""A client that knows the first version's messages alone, with stubs of its own: `foreign_client.py ADDRESS FOLDER`.

Runs in a process of its own, since two copies of the same messages cannot be loaded in one. Reads requests as
`NAME.request` in the folder and leaves `NAME.response`.
"""

import importlib
import sys
from pathlib import Path

import grpc
from grpc_tools import protoc

PROTO = """
syntax = "proto3";
package train_2048.inference.v1;
message Item { uint64 id = 1; bytes board = 2; }
message InferRequest {
  string model_id = 1; repeated Item items = 2; uint64 batch_id = 3; bool return_embedding = 4; bool argmax_only = 5;
}
message HeadProbs { repeated float probs = 1; }
message Output { repeated HeadProbs heads = 1; bytes embedding = 2; }
message PolicyMetadata {
  string head_type = 1; uint32 bin_count = 2; string tokenizer_type = 3; repeated string vocab_labels = 4;
}
message ModelMetadata { PolicyMetadata policy = 1; }
message InferResponse {
  enum EmbedDType { EMBED_DTYPE_UNSPECIFIED = 0; FP32 = 1; BF16 = 2; }
  uint64 batch_id = 1; repeated uint64 item_ids = 2; repeated Output outputs = 3; uint64 latency_ms = 4;
  uint32 embed_dim = 5; EmbedDType embed_dtype = 6; bytes embeddings_concat = 7; repeated uint32 argmax_heads = 8;
  repeated float argmax_p1 = 9; ModelMetadata model_metadata = 10;
}
service Inference { rpc Infer(InferRequest) returns (InferResponse); }
"""


def stubs(folder):
    """Messages and stub, made from the text above."""
    (folder / "foreign.proto").write_text(PROTO)
    words = [f"-I{folder}", f"--python_out={folder}", f"--grpc_python_out={folder}", str(folder / "foreign.proto")]
    assert protoc.main(["protoc", *words]) == 0
    sys.path.insert(0, str(folder))
    return importlib.import_module("foreign_pb2"), importlib.import_module("foreign_pb2_grpc")


def main(address, folder):
    messages, services = stubs(folder)
    with grpc.insecure_channel(address) as channel:
        stub = services.InferenceStub(channel)
        for file in sorted(folder.glob("*.request")):
            response = stub.Infer(messages.InferRequest.FromString(file.read_bytes()), timeout=60)
            response.latency_ms = 0
            file.with_suffix(".response").write_bytes(response.SerializeToString())


if __name__ == "__main__":
    main(sys.argv[1], Path(sys.argv[2]))
