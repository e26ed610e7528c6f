"""What the data set of a run holds, for `railyard show`: counts, images, features that were made, and its split."""

from pathlib import Path
from typing import Any

from railyard.core.store import durable
from railyard.tlg8.features.dataset import DATA, DataSet


def describe_dataset(run: Path) -> dict[str, Any]:
    """Facts of the data set below a run folder, every file of which is compared with its manifest."""
    data = DataSet.shared(run).with_split(run)
    parts = sorted(path.parent for path in (run / DATA).glob(f"*/{durable.MANIFEST}"))
    for part in parts:
        durable.check_manifest(part)
    assert data.split is not None
    return {
        "kind": "tlg8 data set",
        "blocks": data.blocks,
        "eligible": len(data),
        "images": len(data.manifest["images"]),
        "contexts": data.contexts is not None,
        "parts": [part.name for part in parts],
        "split": {"kind": data.split.kind, "train": len(data.split.train), "valid": len(data.split.valid)},
        "blocks_by_part": {"train": len(data.split.train), "valid": len(data.split.valid)},
        "checked": [f"{part.name}/{durable.MANIFEST}" for part in parts],
    }
