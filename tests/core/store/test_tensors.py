import pickle
import random
import zipfile
from contextlib import suppress

import pytest
import torch

from railyard.core.errors import UserError
from railyard.core.store.tensors import load_tensors


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
