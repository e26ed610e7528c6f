import os
import pickle
import random
import zipfile
from contextlib import suppress

import pytest
import torch
from safetensors.torch import save_file

from railyard.core.errors import UserError
from railyard.core.store.tensors import load_safetensors, load_tensors


@pytest.fixture
def saved(tmp_path):
    path = tmp_path / "a.ckpt"
    torch.save({"state_dict": {"w": torch.arange(6.0).reshape(2, 3)}, "epoch": 3, "names": ["a", None]}, path)
    return path


def test_tensors_and_plain_containers_come_back(saved):
    found = load_tensors(saved)
    assert found["state_dict"]["w"].tolist() == [[0, 1, 2], [3, 4, 5]]
    assert (found["epoch"], found["names"]) == (3, ["a", None])


class Evil:
    def __reduce__(self):
        return eval, ("1 + 1",)


def test_nothing_runs(tmp_path):
    (tmp_path / "evil.pt").write_bytes(pickle.dumps(Evil()))
    torch.save({"a": Evil()}, tmp_path / "zipped.pt")
    for name in ("evil.pt", "zipped.pt"):
        with pytest.raises(UserError, match=f"{name} cannot be read as plain tensors .*: mend it"):
            load_tensors(tmp_path / name, advice="mend it")


def test_compressed_members_are_refused(saved, tmp_path):
    packed = tmp_path / "packed.ckpt"
    with zipfile.ZipFile(saved) as old, zipfile.ZipFile(packed, "w", zipfile.ZIP_DEFLATED) as new:
        for member in old.namelist():
            new.writestr(member, old.read(member))
    with pytest.raises(UserError, match="its members are compressed"):
        load_tensors(packed)


def test_any_damage_is_one_sentence(saved):
    whole, draw = saved.read_bytes(), random.Random(0)
    refused = 0
    for _ in range(300):
        data = bytearray(whole)
        for _ in range(draw.randint(1, 8)):
            data[draw.randrange(len(data))] = draw.randrange(256)
        saved.write_bytes(data[: draw.randint(1, len(data))] if draw.random() < 0.2 else data)
        with suppress(UserError):
            load_tensors(saved)
            continue
        refused += 1
    assert refused > 50


def nested(depth):
    return [nested(depth - 1)] if depth else []


def around():
    content = []
    content.append(content)
    return {"a": content, "b": [content]}


def test_containers_that_hold_themselves_have_an_end(tmp_path):
    torch.save(around(), tmp_path / "around.pt")
    assert load_tensors(tmp_path / "around.pt").keys() == {"a", "b"}


@pytest.mark.parametrize(
    ("content", "says"),
    [
        (nested(200), "is nested more than 100 deep"),
        ({"w": torch.zeros(1).expand(2**40)}, r"a tensor of shape \[1099511627776\] repeats a few values"),
    ],
)
def test_what_stands_for_more_than_it_holds_is_refused(content, says, tmp_path):
    torch.save(content, tmp_path / "a.pt")
    with pytest.raises(UserError, match=says):
        load_tensors(tmp_path / "a.pt")


def test_tensors_by_name(tmp_path):
    save_file({"w": torch.arange(3.0)}, tmp_path / "a.safetensors")
    assert load_safetensors(tmp_path / "a.safetensors")["w"].tolist() == [0, 1, 2]


@pytest.mark.parametrize("data", [b"", b"\xff" * 8, (2**30).to_bytes(8, "little") + b"{", b"\2\0\0\0\0\0\0\0{]"])
def test_what_is_no_safetensors_file_is_one_sentence(data, tmp_path):
    (tmp_path / "a.safetensors").write_bytes(data)
    with pytest.raises(UserError, match=r"a.safetensors is damaged or no safetensors file \(.*\): copy it again"):
        load_safetensors(tmp_path / "a.safetensors")


def test_a_pipe_is_not_waited_for(tmp_path):
    os.mkfifo(tmp_path / "pipe.safetensors")
    for read in (load_tensors, load_safetensors):
        with pytest.raises(UserError, match="is not a regular file"):
            read(tmp_path / "pipe.safetensors")


def test_what_torch_would_unpack_as_an_archive_is_refused(tmp_path):
    (tmp_path / "a.pt").write_bytes(b"\0" * 1000)
    with pytest.raises(UserError, match=r"it does not begin as torch\.save writes"):
        load_tensors(tmp_path / "a.pt")
