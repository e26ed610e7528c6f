import numpy as np
import pytest
from tlg8 import noise, save

from railyard.core.errors import UserError
from railyard.tlg8.artifacts.extraction import extract
from railyard.tlg8.artifacts.line_keys import PROJECTIONS
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.features.building import build
from railyard.tlg8.features.config import Features
from railyard.tlg8.features.projections import projections_of
from railyard.tlg8.features.targets import UNREACHED, top_two

FEATURES = Features(columns=["reorder_tv_mean"])


@pytest.fixture
def data(tmp_path):
    for seed, (name, components) in enumerate({"a.png": 3, "b.png": 4}.items()):
        save(tmp_path / "art" / name, noise(np.random.default_rng(seed), components, 16, 24))
    extract(tmp_path / "art", tmp_path / "pack", workers=1)
    return build([tmp_path / "pack"], tmp_path / "run", FEATURES, fraction=0.2)


def test_projections_are_those_of_the_lines(data, tmp_path):
    found = projections_of(data)
    lines = list(Pack.open(tmp_path / "pack").records())
    expected = [
        [min(bits, UNREACHED) for name in PROJECTIONS for bits in lines[row][f"proj_{name}_bits"]]
        for row in data.rows.tolist()
    ]
    assert found.projections.tolist() == expected
    assert np.array_equal(found.positives, top_two(np.array(expected)))


def test_a_data_set_without_them_says_so(tmp_path, data):
    without = build([tmp_path / "pack"], tmp_path / "other", FEATURES, fraction=0.2, with_projections=False)
    with pytest.raises(UserError, match="projections is not made yet"):
        projections_of(without)
