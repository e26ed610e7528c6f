"""What a call of `annotate` will do, from headers and the model's config alone: rows, shards, bytes of each product."""

import shutil
from pathlib import Path
from typing import TYPE_CHECKING

from railyard.board.annotation.output import layout
from railyard.board.annotation.pool import AnnotationPool
from railyard.board.annotation.products.product import Asked
from railyard.board.annotation.products.registry import products_of
from railyard.board.model.answers import ModelFacts
from railyard.core.errors import UserError
from railyard.core.making.parts import Part

if TYPE_CHECKING:
    from railyard.board.annotation.config import Annotate
    from railyard.board.model.config import Encoder

SPARE_BYTES = 16 << 20  # beside the shards: metadata, report


def lines(knobs: "Annotate", model: "Encoder | None") -> list[str]:
    """Lines of the plan; what a server has to tell first is left to the run. UserError where the disk is too small."""
    pool = AnnotationPool.open(knobs.pool)
    shards = layout(pool.rows.starts, knobs.shard_rows, knobs.limit)
    own = Part.parse(knobs.part).of(len(shards))
    rows = sum(shard.rows for shard in shards)
    found = [f"  {rows:,} rows of {len(pool):,} ({pool.kind}), {len(shards)} shards, {len(own)} of them in this part"]
    if model is None:
        return found
    sizes = bytes_a_row(knobs, asked_of(model, knobs))
    found += [f"  {name}: {size:,} bytes a row, {rows * size / 1e6:,.1f} MB" for name, size in sizes.items()]
    return [*found, f"  free disk: {check_disk(knobs.out, rows, sizes) / 1e6:,.0f} MB"]


def asked_of(model: "Encoder", knobs: "Annotate") -> Asked:
    """What is asked of the model with this config."""
    bins = model.n_bins if model.head_type == "binned_ev" else 0
    heads = tuple((head.name, head.dim) for head in model.value_heads)
    kept = tuple(head for head in heads if knobs.value_heads is None or head[0] in knobs.value_heads)
    facts = ModelFacts(model.head_type, bins, value_heads=heads, hidden_size=model.hidden_size)
    return Asked(facts, kept, knobs.store_logits)


def bytes_a_row(knobs: "Annotate", asked: Asked) -> dict[str, int]:
    """Bytes a row of each product that the model has something for."""
    held = (product for product in products_of(knobs.products) if not product.lacks(asked))
    return {product.name: sum(dtype.itemsize for dtype in product.families(asked).values()) for product in held}


def check_disk(out: Path, rows: int, sizes: dict[str, int]) -> int:
    """Bytes that are free for the session. UserError where it needs more."""
    needed = rows * sum(sizes.values()) + SPARE_BYTES
    existing = next(folder for folder in (out, *out.resolve().parents) if folder.is_dir())
    free = shutil.disk_usage(existing).free
    if free < needed:
        shares = ", ".join(f"{name} {rows * size / 1e9:,.1f} GB" for name, size in sizes.items())
        raise UserError(
            f"out={out}: the session needs {needed / 1e9:,.1f} GB ({shares}) and {free / 1e9:,.1f} GB are free: free "
            "some, leave products out, or set limit="
        )
    return free
