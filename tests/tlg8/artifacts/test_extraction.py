import json
import random
import shutil
import signal
import subprocess
import sys
import time

import numpy as np
import pytest
from PIL import Image
from tlg8 import noise, save

from railyard.core.errors import BadRecord, UserError
from railyard.core.making.parts import Part
from railyard.core.store import durable
from railyard.tlg8.artifacts import pieces
from railyard.tlg8.artifacts.extraction import Options, extract
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.codec.selectors import Gated


@pytest.fixture
def images(tmp_path):
    """Three images in two folders, of 12, 6 and 12 blocks."""
    rng = np.random.default_rng(5)
    save(tmp_path / "art" / "b.png", noise(rng))
    save(tmp_path / "art" / "sub" / "c.png", noise(rng, 4, 9, 17))
    Image.fromarray(noise(rng).transpose(1, 2, 0)).save(tmp_path / "art" / "a.bmp")
    return tmp_path / "art"


def files(folder):
    return {path.name: path.read_bytes() for path in folder.iterdir()}


def test_a_pack_holds_what_the_search_found(images, tmp_path):
    result = extract(images, tmp_path / "pack")
    assert (result["images"], result["blocks"]) == (3, 30)
    pack = Pack.open(tmp_path / "pack")
    assert [image.relpath for image in pack.index] == ["a.bmp", "b.png", "sub/c.png"]
    assert pack.survey() == {3: 24, 4: 6}
    assert pack.has_neighbours
    rows = pack.blocks_N
    assert np.bincount(rows["image"]).tolist() == [12, 12, 6]
    sizes = np.stack([rows["width"], rows["height"]], axis=1)
    own = rows["components"] == 4
    found = Gated(entropy="plain").find(rows["context"][own], sizes[own], 4)
    np.testing.assert_array_equal(found.ranks_N2, rows["ranks"][own])
    for record, row in zip(pack.records(), rows, strict=True):
        assert [record["best"]["bits"], record["second"]["bits"]] == row["bits"].tolist()


def test_parts_and_a_second_call_give_the_same_bytes(images, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_BLOCKS", 5)
    extract(images, tmp_path / "whole")
    missing = [extract(images, tmp_path / "parts", part=Part(index, 3)).get("missing_parts") for index in (2, 0, 1)]
    assert missing == [["0/3", "1/3"], ["1/3"], None]
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
    assert [path.name for path in tmp_path.iterdir() if path.name.startswith(".")] == []
    assert extract(images, tmp_path / "whole")["already_there"]


def test_pieces_that_are_there_are_not_searched_again(images, tmp_path, monkeypatch):
    monkeypatch.setattr(pieces, "PIECE_BLOCKS", 5)
    extract(images, tmp_path / "pack", part=Part(0, 2))
    told = []
    extract(images, tmp_path / "pack", progress=lambda *numbers: told.append(numbers))
    assert told[-1] == (30, 30, 17)
    assert Pack.open(tmp_path / "pack").survey() == {3: 24, 4: 6}


def test_compressed_lines_are_the_same(images, tmp_path):
    extract(images, tmp_path / "plain")
    extract(images, tmp_path / "zst", Options(compressed=True))
    assert (tmp_path / "zst" / "training.all.jsonl.zst").exists()
    assert list(Pack.open(tmp_path / "zst").records()) == list(Pack.open(tmp_path / "plain").records())


def test_a_bad_image_stops_or_is_left_out(images, tmp_path):
    (images / "bad.png").write_bytes((images / "b.png").read_bytes()[:100])
    with pytest.raises(BadRecord, match=r"bad\.png: the image is truncated"):
        extract(images, tmp_path / "pack")
    assert not (tmp_path / "pack").exists()
    result = extract(images, tmp_path / "pack", on_error="skip")
    assert [skipped["file"] for skipped in result["skipped"]] == ["bad.png"]
    assert result["images"] == 3


def test_an_occupied_place_is_refused(images, tmp_path):
    extract(images, tmp_path / "pack")
    (images / "b.png").unlink()
    with pytest.raises(UserError, match="exists and is not a pack of these images"):
        extract(images, tmp_path / "pack")


def start(images, out, *words):
    words = ["-m", "railyard.cli", "extract", f"images={images}", f"out={out}", "json=true", *words]
    return subprocess.Popen([sys.executable, *words], stdout=subprocess.PIPE, stderr=subprocess.PIPE)


def killed(process, folder, chosen):
    """Ends it by SIGKILL some time after it has made one or two more pieces; False where it ended by itself before."""
    made = ".killed.partial/*/pieces/0*"
    wanted = len(list(folder.glob(made))) + chosen.randint(1, 2)
    while process.poll() is None and len(list(folder.glob(made))) < wanted:
        time.sleep(0.01)
    time.sleep(chosen.uniform(0, 0.3))
    process.kill()
    process.communicate()
    return process.returncode == -signal.SIGKILL


@pytest.mark.slow
@pytest.mark.parametrize("workers", [1, 2, 3])
def test_killed_three_times_it_goes_on_to_the_same_bytes(workers, tmp_path):
    planes = noise(np.random.default_rng(1), 3, 400, 640)
    images = save(tmp_path / "art" / "large.png", planes).parent
    extract(images, tmp_path / "whole")
    chosen, kills = random.Random(workers), 0
    for _ in range(60):
        kills += killed(start(images, tmp_path / "killed", f"workers={workers}"), tmp_path, chosen)
        if kills == 3:
            break
        if (tmp_path / "killed").exists():  # it ended before the signal: the next call starts anew
            assert files(tmp_path / "killed") == files(tmp_path / "whole")
            shutil.rmtree(tmp_path / "killed")
    assert kills == 3
    out, err = start(images, tmp_path / "killed", f"workers={workers}").communicate()
    assert json.loads(out.splitlines()[-1])["blocks"] == 4000, err
    assert files(tmp_path / "killed") == files(tmp_path / "whole")
    durable.check_manifest(tmp_path / "killed")


@pytest.mark.slow
@pytest.mark.parametrize("parts", [2, 3])
def test_processes_share_the_parts(parts, tmp_path):
    images = save(tmp_path / "art" / "large.png", noise(np.random.default_rng(2), 4, 160, 640)).parent
    extract(images, tmp_path / "whole")
    running = [start(images, tmp_path / "parts", f"part={index}/{parts}", "workers=1") for index in range(parts)]
    assert [process.wait() for process in running] == [0] * parts
    for process in running:
        process.communicate()
    assert files(tmp_path / "parts") == files(tmp_path / "whole")
