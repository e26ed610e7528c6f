from tlg8 import reference_lines

from railyard.core.store.reading import parse_json
from railyard.tlg8.features.catalogue import KEYS, PIXEL_VALUES, RAW, TARGETS, total_price

NO_FEATURES = {"image", "image_size", "tile_origin", "block_origin", "block_size", "components", "pixels"}


def test_keys_are_those_of_a_line_in_its_order_with_their_lengths():
    record = parse_json(reference_lines()[0][0].encode())
    numeric = {key: value for key, value in record.items() if key not in {*NO_FEATURES, "best", "second"}}
    lengths = {key: len(value) if isinstance(value, list) else 1 for key, value in numeric.items()}
    of_lines = {key.name: key.length for key in KEYS.values() if key.in_lines and key.name not in PIXEL_VALUES}
    assert list({**TARGETS, **of_lines}.items()) == list(lengths.items())


def test_counts_are_those_of_the_contract():
    of_lines = sum(key.length for key in KEYS.values() if key.in_lines)
    assert (sum(PIXEL_VALUES.values()), of_lines) == (44, 711)
    assert sum(key.length for key in KEYS.values()) == RAW


def test_prices_are_those_of_the_search_that_a_key_needs():
    prices = {name: str(key.price) for name, key in KEYS.items()}
    assert prices["pixels_top_rgb"] == "free"
    assert prices["score_filtered_energy_min_by_filter"] == prices["reorder_tv"] == prices["plane_l1"] == "cheap"
    assert prices["score_bits_plain_hilbert_none_min_by_perm_top2pred"] == "probe(192)"
    assert prices["score_bits_plain_hilbert_interleave_min_by_filter"] == "probe(768)"
    answers = {name for name, price in prices.items() if price == "answer"}
    assert answers == {
        f"score_bits_plain_{name}_min_by_{head}" for name in ("none", "interleave") for head in ("predictor", "reorder")
    }


def test_keys_of_the_same_tuples_are_paid_once():
    two = "score_bits_plain_hilbert_{}_min_by_filter_top2pred"
    assert str(total_price([])) == "free"
    assert str(total_price(["pixels_top_rgb", "reorder_tv"])) == "cheap"
    assert str(total_price([two.format("none"), two.format("none").replace("filter", "perm")])) == "probe(192)"
    assert str(total_price([two.format("none"), two.format("interleave")])) == "probe(384)"
    assert str(total_price([two.format("none"), "score_bits_plain_hilbert_none_min_by_perm"])) == "probe(768)"
    assert str(total_price([two.format("none"), "score_bits_plain_none_min_by_reorder"])) == "answer"
