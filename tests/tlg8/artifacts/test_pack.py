import json

import numpy as np
import pytest
from tlg8 import noise, save

from railyard.core.errors import UserError
from railyard.tlg8.artifacts.describe import describe_pack
from railyard.tlg8.artifacts.extraction import extract
from railyard.tlg8.artifacts.pack import Pack


@pytest.fixture
def pack(tmp_path):
    """A pack of two images, 6 blocks each."""
    for seed, name in enumerate(("a.png", "b.png")):
        save(tmp_path / "art" / name, noise(np.random.default_rng(seed), 3, 16, 24))
    extract(tmp_path / "art", tmp_path / "pack")
    return tmp_path / "pack"


def change(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


def flip(path, at):
    data = bytearray(path.read_bytes())
    data[at] ^= 1
    path.write_bytes(data)


DAMAGE = {
    "labels.all.bin has 1500 bytes": lambda pack: (pack / "labels.all.bin").write_bytes(b"x" * 1500),
    "record 3 does not begin as a label": lambda pack: flip(pack / "labels.all.bin", 256),
    "is not what dataset_sha256": lambda pack: flip(pack / "labels.all.bin", 266),
    "schema has to be 1": lambda pack: change(pack / "labels.meta.json", '"schema": 1', '"schema": 2'),
    "record_size has to be 128": lambda pack: change(pack / "labels.meta.json", "128", "64"),
    "labels.meta.json is not valid JSON": lambda pack: change(pack / "labels.meta.json", "{", "["),
    r"inputs: 0.relpath: Field required": lambda pack: change(pack / "labels.meta.json", "relpath", "path"),
    "labels.meta.json is missing": lambda pack: (pack / "labels.meta.json").unlink(),
    r"index.jsonl, line 2: the image has to begin at block 6": lambda pack: change(
        pack / "index.jsonl", '"label_record_offset":6', '"label_record_offset":5'
    ),
    r"index.jsonl, line 1: label_record_count": lambda pack: change(
        pack / "index.jsonl", '"label_record_count":6', '"label_record_count":"x"'
    ),
    "does not list the images": lambda pack: change(pack / "index.jsonl", "b.png", "c.png"),
    "has 11 lines for 12 labels": lambda pack: (pack / "training.all.jsonl").write_text(
        "".join((pack / "training.all.jsonl").read_text().splitlines(keepends=True)[:11])
    ),
    r"training.all.jsonl, line 1: .*best. is not that": lambda pack: change(
        pack / "training.all.jsonl", '"best":{"predictor":', '"best":{"predictor":1'
    ),
    r"training.all.jsonl, line 1: key must be a string": lambda pack: change(
        pack / "training.all.jsonl", '"image"', "image"
    ),
    r"training.all.jsonl, line 1: this is no block": lambda pack: change(
        pack / "training.all.jsonl", '"components":3', '"components":5'
    ),
    "has neither training.all.jsonl nor": lambda pack: (pack / "training.all.jsonl").unlink(),
    "blocks.npy is truncated": lambda pack: (pack / "blocks.npy").write_bytes((pack / "blocks.npy").read_bytes()[:-1]),
}


@pytest.mark.parametrize("reason", DAMAGE)
def test_damage_is_named(reason, pack):
    DAMAGE[reason](pack)
    with pytest.raises(UserError, match=reason):
        Pack.open(pack).survey()


def test_a_pack_is_described(pack):
    facts = describe_pack(pack)
    assert (facts["blocks"], facts["images"], facts["blocks_by_components"]) == (12, 2, {3: 12})
    assert facts["blocks_by_image"] == {"a.png": 6, "b.png": 6}
    assert all(sum(shares.values()) == pytest.approx(1, abs=1e-3) for shares in facts["best"].values())
    assert facts["made_by"]["name"] == "railyard extract"
    json.dumps(facts)


def test_a_pack_as_the_reference_leaves_it_is_read(pack):
    meta = json.loads((pack / "labels.meta.json").read_text())
    del meta["extractor"]
    (pack / "labels.meta.json").write_text(json.dumps(meta))
    (pack / "blocks.npy").unlink()
    (pack / "manifest.json").write_text("[]")
    facts = describe_pack(pack)
    assert (facts["contexts"], facts["neighbour_keys"]) == (False, "not to be trusted")
