"""What a pack of searched blocks holds: counts, images, shares of the best classes, and whether it is whole."""

from pathlib import Path
from typing import Any

from railyard.core.store import durable
from railyard.tlg8.artifacts.pack import Pack
from railyard.tlg8.images.describe import shares

CLASSES = {"predictor": 8, "permutation": 6, "primary": 4, "secondary": 4, "scan": 8, "interleaving": 2}


def describe_pack(path: Path) -> dict[str, Any]:
    """JSON-able facts of a pack, every line of which is read; UserError if it is damaged."""
    pack = Pack.open(path)
    components = pack.survey()
    checks = ["labels", "index", "dataset_sha256", "lines"]
    if pack.has_neighbours:  # ours; another's manifest.json is something else
        durable.check_manifest(path)
        checks.append("manifest")
    best = pack.labels_N["labels"][:, :6]
    return {
        "kind": "tlg8 pack",
        "blocks": len(pack.labels_N),
        "images": len(pack.index),
        "blocks_by_components": {count: blocks for count, blocks in components.items() if blocks},
        "contexts": pack.blocks_N is not None,
        "neighbour_keys": "as extracted" if pack.has_neighbours else "not to be trusted",
        "made_by": pack.meta.get("extractor", "the reference"),
        "best": {name: shares(best[:, place], count) for place, (name, count) in enumerate(CLASSES.items())},
        "blocks_by_image": {each.relpath: each.label_record_count for each in pack.index},
        "checked": checks,
    }
