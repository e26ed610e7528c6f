"""Made scenes: `railyard scenes kind=shapes|digits out=FOLDER n=N seed=SEED`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from railyard.core import package
from railyard.stage2.scenes import digits, shapes, shelves
from railyard.stage2.scenes.painting import Layout, Painted
from railyard.stage2.scenes.pictures import png
from railyard.stage2.scenes.records import Scene, line_of
from railyard.stage2.scenes.shelves import Made, Progress

SCHEMA_VERSION = 1

Kind = Literal["shapes", "digits"]
SCENES: dict[Kind, Callable[[int, int, Layout], Painted]] = {"shapes": shapes.scene, "digits": digits.scene}


@dataclass(frozen=True)
class Recipe:
    """What decides the scenes: `kind`, `seed` and `layout`; scene `index` is the same for any number of them."""

    kind: Kind
    seed: int
    layout: Layout


def generate(recipe: Recipe, n: int, out: Path, workers: int | None, progress: Progress) -> dict[str, Any]:
    """Makes scenes 0 to n - 1 at `out`; its manifest. UserError if anything else stands there."""
    origin = {"kind": "scenes", "scenes_version": SCHEMA_VERSION, "made": {**asdict(recipe), "n": n}}
    origin |= {"railyard_version": package.__version__}
    if manifest := shelves.finished_before(out, origin):
        return manifest
    pieces = [(first, min(first + shelves.PIECE, n)) for first in range(0, n, shelves.PIECE)]
    with shelves.work_folder(out, origin) as folder:
        shelves.build(folder, pieces, n, partial(make_piece, recipe=recipe), workers, progress)
        return shelves.publish(folder, out, len(pieces), origin)


def make_piece(indices: tuple[int, int], folder: Path, name: str, recipe: Recipe) -> Made:
    """Writes the images of scenes from the first index up to the second one."""
    made = Made()
    for index in range(*indices):
        painted = SCENES[recipe.kind](recipe.seed, index, recipe.layout)
        file = f"{index:07d}.png"
        (folder / file).write_bytes(png(Image.fromarray(painted.pixels_HW3)))
        height, width = painted.pixels_HW3.shape[:2]
        metadata = {"made": recipe.kind, "seed": recipe.seed, "index": index}
        scene = Scene(f"{name}/{file}", width, height, painted.objects, metadata=metadata)
        made.lines.append(line_of(scene).decode())
        made.counts.update(images=1, objects=len(painted.objects), empty=int(not painted.objects))
    return made
