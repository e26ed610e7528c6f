import json
import re

import numpy as np
import pytest
from tlg8 import noise, reference_lines

from railyard.tlg8.artifacts.block_rows import BLOCK_ROW, block_rows
from railyard.tlg8.artifacts.labels import LABEL, dataset_sha256, label_records
from railyard.tlg8.artifacts.lines import lines
from railyard.tlg8.codec.blocks import blocks_of, sizes_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.selectors import Gated

GARBAGE = re.compile(r'"(pixels_top_rgb|pixels_left_rgb|pixel_topleft_rgb)":\[[^]]*\],')


def rows_of_reference(columns):
    rows = np.zeros(len(columns["components"]), BLOCK_ROW)
    rows["x"], rows["y"] = columns["block_origin"].T
    rows["width"] = rows["height"] = 8
    for name in ("components", "ranks", "bits", "context"):
        rows[name] = columns[name]
    return rows


def test_lines_are_those_of_the_reference_to_the_last_character():
    written, columns = reference_lines()
    rows = rows_of_reference(columns)
    for place, line in enumerate(written):
        facts = json.loads(line)
        own = slice(place, place + 1)
        ours = lines(facts["image"], tuple(facts["image_size"]), columns["tile_origin"][own], rows[own]).decode()
        assert GARBAGE.sub("", ours.rstrip("\n")) == GARBAGE.sub("", line)


def searched(planes):
    components, height, width = planes.shape
    blocks = blocks_of(width, height)
    contexts = contexts_of(planes, blocks)
    found = Gated(entropy="plain").find(contexts, sizes_of(blocks), components)
    return block_rows(0, blocks, contexts, components, found), np.stack([blocks["tile_x"], blocks["tile_y"]], axis=1)


@pytest.mark.parametrize("components", [3, 4])
def test_pixels_and_neighbours_are_those_of_the_image(components):
    planes = noise(np.random.default_rng(3), components, height=90, width=13)
    rows, tiles = searched(planes)
    records = [json.loads(line) for line in lines("ä.png", (13, 90), tiles, rows).decode().splitlines()]
    assert [record["block_size"] for record in records[:3]] == [[8, 8], [5, 8], [8, 8]]
    assert records[-1]["tile_origin"] == [0, 80]
    rgb = np.pad(planes[-3:], ((0, 0), (1, 8), (1, 8)))
    for record in records:
        (x, y), (width, height) = record["block_origin"], record["block_size"]
        pixels = planes[:, y : y + height, x : x + width].transpose(1, 2, 0)
        assert record["pixels"] == pixels.ravel().tolist()
        left = rgb[:, y + 1 : y + 9, x].T.copy()
        left[height:] = 0
        assert record["pixels_left_rgb"] == left.ravel().tolist()
        above = rgb[:, y, x + 1 : x + 9].T if y % 80 else np.zeros((8, 3), int)
        assert record["pixels_top_rgb"] == above.ravel().tolist()
        assert record["pixel_topleft_rgb"] == (rgb[:, y, x].tolist() if y % 80 else [0, 0, 0])
    assert records[0]["image"] == "ä.png"


def test_a_label_is_128_bytes_and_names_the_classes_of_best_and_second():
    # filter 71 = permutation 4, primary 1, secondary 3
    ranks = np.array([[((5 * 96 + 71) * 8 + 6) * 2 + 1, 0]], np.uint16)
    data = label_records(ranks).tobytes()
    assert (len(data), data[:8]) == (128, b"8LBL\x01\0\0\0")
    assert np.frombuffer(data, LABEL)["labels"][0].tolist() == [5, 4, 1, 3, 6, 1, 0, 0, 0, 0, 0, 0]
    assert not any(data[32:])


def test_the_hash_of_a_pack_depends_on_names_counts_and_order():
    one, two = ("a", 1, "00" * 32), ("b", 1, "11" * 32)
    hashes = {dataset_sha256(shares) for shares in ([one], [two], [one, two], [two, one], [("a", 2, "00" * 32)])}
    assert len(hashes) == 5
