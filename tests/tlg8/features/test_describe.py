from pathlib import Path

from railyard.tlg8.features.building import build
from railyard.tlg8.features.config import Features


def test_show_tells_a_data_set_and_its_damage(block_pack, tmp_path, railyard):
    run = tmp_path / "run"
    features = Features(columns=["reorder_tv_mean"])
    build([block_pack], run, features)
    facts = railyard("show", f"path={run}", "json=true").json
    assert (facts["kind"], facts["blocks"], facts["images"]) == ("tlg8 data set", 144, 3)
    assert facts["split"] == {
        "kind": "block",
        "train": facts["eligible"] - facts["split"]["valid"],
        **{"valid": round(0.1 * facts["eligible"])},
    }
    assert f"features-{features.fingerprint()}" in facts["parts"]
    place = Path(run / "dataset" / "blocks" / "pixels.npy")
    place.write_bytes(place.read_bytes()[:-1] + b"?")
    damaged = railyard("show", f"path={run}")
    assert (damaged.code, "pixels.npy" in damaged.err) == (1, True), damaged.err
