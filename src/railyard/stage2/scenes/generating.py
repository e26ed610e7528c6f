"""Made scenes: `railyard scenes kind=shapes|digits out=FOLDER n=N seed=SEED`."""

from collections.abc import Callable
from dataclasses import asdict, dataclass
from functools import partial
from pathlib import Path
from typing import Any, Literal

from PIL import Image

from railyard.core.making.outputs import finished_before
from railyard.core.making.work_folder import work_folder
from railyard.core.progress import Count
from railyard.stage2.scenes import building, digits, shapes
from railyard.stage2.scenes.building import Batch, build
from railyard.stage2.scenes.painting import Layout, Painted
from railyard.stage2.scenes.pictures import png
from railyard.stage2.scenes.records import Scene, line_of

SCHEMA_VERSION = 1

Kind = Literal["shapes", "digits"]
SCENES: dict[Kind, Callable[[int, int, Layout], Painted]] = {"shapes": shapes.scene, "digits": digits.scene}


@dataclass(frozen=True)
class Recipe:
    """What decides the scenes: `kind`, `seed` and `layout`; scene `index` is the same for any number of them."""

    kind: Kind
    seed: int
    layout: Layout


def generate(recipe: Recipe, n: int, out: Path, workers: int | None, progress: Count) -> dict[str, Any]:
    """Makes scenes 0 to n - 1 at `out`; its manifest. UserError if anything else stands there."""
    origin = {"kind": "scenes", "scenes_version": SCHEMA_VERSION, "made": {**made_from(recipe), "n": n}}
    if manifest := finished_before(out, origin, "this very data set"):
        return manifest
    pieces = [range(first, min(first + building.PIECE, n)) for first in range(0, n, building.PIECE)]
    with work_folder(out, origin) as folder:
        return build(folder, out, origin, pieces, len, partial(make_piece, recipe=recipe), workers, progress)


def made_from(recipe: Recipe) -> dict[str, Any]:
    """The recipe as a manifest has it: without what was left open, so that data sets made before are known again."""
    facts = asdict(recipe)
    given = {name: value for name, value in facts["layout"].items() if value not in (None, ())}
    return {**facts, "layout": {name: [*each] if isinstance(each, tuple) else each for name, each in given.items()}}


def make_piece(indices: range, folder: Path, name: str, recipe: Recipe) -> Batch:
    """Writes the images of the scenes of these indices."""
    made = Batch()
    for index in indices:
        painted = SCENES[recipe.kind](recipe.seed, index, recipe.layout)
        file = f"{index:07d}.png"
        (folder / file).write_bytes(png(Image.fromarray(painted.pixels_HW3)))
        height, width = painted.pixels_HW3.shape[:2]
        metadata = {"made": recipe.kind, "seed": recipe.seed, "index": index}
        scene = Scene(f"{name}/{file}", width, height, painted.objects, metadata=metadata)
        made.lines.append(line_of(scene).decode())
        made.counts.update(images=1, objects=len(painted.objects), empty=int(not painted.objects))
    return made
