import json

import numpy as np
import pytest
from tlg8 import blocks, reference_lines

from railyard.tlg8.features.catalogue import KEYS, PIXEL_VALUES
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.raw_values import raw_values
from railyard.tlg8.features.table import table_of_contexts

IN_LINES = [key for key in KEYS.values() if key.in_lines and not key.name.startswith("pixel")]


def part(raw, name):
    key = KEYS[name]
    return raw[:, key.start : key.start + key.length]


def test_values_of_contexts_are_those_of_the_lines_to_the_last_digit():
    lines, columns = reference_lines()
    raw = raw_values(columns["context"], columns["components"], [key.name for key in IN_LINES])
    for place, line in enumerate(lines):
        record = json.loads(line)
        for key in IN_LINES:
            written = np.array(record[key.name], np.float64).reshape(-1)
            written[written >= 1e9] = np.nan
            np.testing.assert_array_equal(part(raw, key.name)[place], written, key.name)


def test_values_of_pixels_are_those_of_their_definitions():
    columns = blocks()
    raw = raw_values(columns["context"], columns["components"], list(PIXEL_VALUES))
    k, x = np.mgrid[0:8, 0:8]
    cosine = np.cos((2 * x + 1) * k * np.pi / 16)
    for row, (context, components) in enumerate(zip(columns["context"], columns["components"], strict=True)):
        rgb = context[components - 3 : components, 1:, 1:9].astype(float)
        spectrum = cosine @ rgb @ cosine.T / 4
        expected = {
            "pixel_means_4x4": rgb.reshape(3, 2, 4, 2, 4).mean(axis=(2, 4)),
            "pixel_dct": spectrum[:, [0, 1, 1, 0, 2, 2], [1, 0, 1, 2, 0, 2]],
            "pixel_deviation": rgb.std(axis=(1, 2)),
            "pixel_range": np.ptp(rgb, axis=(1, 2)),
            "pixel_step_right": np.abs(np.diff(rgb, axis=2)).mean(axis=(1, 2)),
            "pixel_step_down": np.abs(np.diff(rgb, axis=1)).mean(axis=(1, 2)),
            "pixel_channel_step": np.abs(np.diff(rgb, axis=0)).mean(axis=(1, 2)),
        }
        for name, values in expected.items():
            np.testing.assert_allclose(part(raw, name)[row], values.ravel(), rtol=1e-12, atol=1e-9, err_msg=name)


def test_neighbours_are_those_of_the_context():
    columns = blocks()
    raw = raw_values(columns["context"], columns["components"], ["pixels_top_rgb"])
    context, components = columns["context"][0], columns["components"][0]
    rgb = context[components - 3 : components]
    assert part(raw, "pixels_top_rgb")[0].tolist() == rgb[:, 0, 1:9].T.ravel().tolist()
    assert part(raw, "pixels_left_rgb")[0].tolist() == rgb[:, 1:, 0].T.ravel().tolist()
    assert part(raw, "pixel_topleft_rgb")[0].tolist() == rgb[:, 0, 0].tolist()


@pytest.mark.parametrize("components", [3, 4])
def test_sums_of_planes_are_those_of_the_residuals(components):
    columns = blocks()
    contexts = columns["context"][columns["components"] == components][:20]
    raw = raw_values(contexts, np.full(len(contexts), components, np.uint8), ["plane_l1", "plane_energy"])
    planes = contexts[:, :components].astype(int)
    left = (planes[:, :, 1:, 1:9] - planes[:, :, 1:, 0:8]).reshape(len(contexts), components, 64)  # predictor 4
    l1, energy = (part(raw, name).reshape(-1, 8, 25) for name in ("plane_l1", "plane_energy"))
    np.testing.assert_array_equal(l1[:, 4, :3], np.abs(left[:, :3]).sum(axis=2))
    np.testing.assert_array_equal(energy[:, 4, :3], (left[:, :3] ** 2).sum(axis=2))
    np.testing.assert_array_equal(l1[:, 4, 3], np.abs(left[:, 1] - left[:, 0]).sum(axis=1))
    fourth = np.abs(left[:, 3]).sum(axis=1) if components == 4 else np.zeros(len(contexts))
    np.testing.assert_array_equal(l1[:, 4, 24], fourth)


def test_features_do_not_depend_on_what_else_is_in_the_batch():
    columns = blocks()
    features = Features(columns=["log1p(plane_l1)", "pixel_dct", "log1p(score_residual_energy_by_predictor)"])
    whole = table_of_contexts(features, {}, columns["context"], columns["components"])
    for row in (0, 100, 311):
        one = slice(row, row + 1)
        alone = table_of_contexts(features, {}, columns["context"][one], columns["components"][one])
        assert alone.values.tobytes() == whole.values[one].tobytes()
    assert whole.known.all()
    assert whole.names[0] == "log1p(plane_l1[0])"
    assert set(whole.prices) == {"cheap"}
