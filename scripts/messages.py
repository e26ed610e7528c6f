"""Makes the messages of board/inference from proto/train_2048/inference/v1/inference.proto.

`.venv/bin/python scripts/messages.py` after the .proto was changed;
tests/board/inference/test_inference_pb2.py compares.
The compiler is the oldest whose messages protobuf 7 takes, so that they load under protobuf 6.31 as well; it needs an
older protobuf itself and gets an environment of its own, in a temporary folder. Messages only: a generated file of
the service would refuse older releases of grpcio, and two methods are easily named by hand.
"""

import subprocess
import tempfile
import venv
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
PROTO = "train_2048/inference/v1/inference.proto"
MODULE = "train_2048.inference.v1.inference_pb2"  # as the compiler names it
OWN_MODULE = "railyard.board.inference.inference_pb2"
TARGET = ROOT / "src" / "railyard" / "board" / "inference"
COMPILER = ("grpcio-tools==1.74.0", "setuptools<81")  # it imports pkg_resources


def main() -> None:
    with tempfile.TemporaryDirectory(prefix="railyard-messages-") as scratch:
        folder = Path(scratch)
        python = folder / "venv" / "bin" / "python"
        venv.create(folder / "venv", with_pip=True)
        subprocess.run([python, "-m", "pip", "install", "--quiet", *COMPILER], check=True)
        words = ["-I", "proto", f"--python_out={folder}", f"--pyi_out={folder}", PROTO]
        subprocess.run([python, "-m", "grpc_tools.protoc", *words], cwd=ROOT, check=True)
        for suffix in (".py", ".pyi"):
            made = folder / f"{MODULE.replace('.', '/')}{suffix}"
            (TARGET / made.name).write_text(made.read_text().replace(MODULE, OWN_MODULE))


if __name__ == "__main__":
    main()
