"""Samples of a data set with their boxes drawn, and its distributions, as PNG: a wrong coordinate space is seen."""

import functools
import logging
from collections.abc import Sequence
from operator import itemgetter
from pathlib import Path
from typing import Any

from PIL import Image, ImageColor, ImageDraw, ImageFont

from railyard.core.runs import plots
from railyard.core.runs.fonts import fonts_for
from railyard.core.store import durable
from railyard.stage2.scenes.config import Space
from railyard.stage2.scenes.coordinates import to_pixels
from railyard.stage2.scenes.pictures import picture_of, png
from railyard.stage2.scenes.records import Scene, SceneObject
from railyard.stage2.scenes.statistics import Progress, Tally, file_of, tally

log = logging.getLogger(__name__)

CELL = 420  # pixels of a sample's longer side
CAPTION = 26
COLUMNS = 4
GAP = 12
TEXT = 15
PAPER, INK = "#ffffff", "#1f2933"
COLOURS = ("#ffd166", "#06d6a0", "#4cc9f0", "#ff70a6", "#f8961e", "#c77dff", "#b5e48c", "#ffffff")
LONGEST, LONGEST_LABEL = 34, 18  # characters of a description on a picture and beside a bar


def draw(path: Path, folder: Path, space: Space = "auto", progress: Progress | None = None) -> list[Path]:
    """Writes `samples.png` and, where matplotlib is there, `distributions.png` of a data set to `folder`."""
    file = file_of(path)
    found, images = tally(file, space, progress), file.parent
    drawn = [folder / "samples.png"]
    chosen = sorted(found.samples, key=itemgetter(0))
    durable.write_bytes(drawn[0], png(sheet([sample(number, scene, images) for number, scene in chosen])))
    if not plots.available():
        log.warning("no plots: matplotlib is missing; pip install 'railyard[plots]' brings it")
        return drawn
    drawn.append(folder / "distributions.png")
    _draw_distributions(found, drawn[1])
    return drawn


def sample(number: int, scene: Scene, images: Path) -> Image.Image:
    """A scene with its boxes, captioned with its line number; a grey field where its image cannot be read."""
    try:
        whole = picture_of(images / scene.image)
        picture = whole.resize(in_a_cell(*whole.size))
    except ValueError:
        picture = Image.new("RGB", in_a_cell(scene.width, scene.height), "#9aa5b1")
    overlay(picture, scene.objects)
    cell = Image.new("RGB", (CELL, CELL + CAPTION), PAPER)
    cell.paste(picture, ((CELL - picture.width) // 2, (CELL - picture.height) // 2))
    caption = f"line {number}: {scene.width} x {scene.height}, objects: {len(scene.objects)}"
    ImageDraw.Draw(cell).text((CELL / 2, CELL + 4), caption, INK, font(caption), anchor="ma")
    return cell


def overlay(picture: Image.Image, objects: Sequence[SceneObject]) -> None:
    """Draws boxes, polygons and descriptions onto an RGB picture, whatever size it has now."""
    pen = ImageDraw.Draw(picture, "RGBA")
    colours = {desc: COLOURS[at % len(COLOURS)] for at, desc in enumerate(dict.fromkeys(o.desc for o in objects))}
    for each in objects:
        x1, y1, x2, y2 = to_pixels([each.box], *picture.size)[0].tolist()
        pen.rectangle((x1 - 1, y1 - 1, x2 + 1, y2 + 1), outline="#000000")
        pen.rectangle((x1, y1, x2, y2), outline=colours[each.desc], width=2)
        if each.poly:
            points = to_pixels([each.poly[at : at + 2] * 2 for at in range(0, len(each.poly), 2)], *picture.size)
            pen.polygon([tuple(point) for point in points[:, :2]], outline=colours[each.desc])
    for each in objects:  # above all boxes
        _label(pen, each, colours[each.desc], picture.size)


def sheet(cells: Sequence[Image.Image]) -> Image.Image:
    """Samples side by side."""
    columns = min(COLUMNS, max(1, len(cells)))
    rows = -(-max(1, len(cells)) // columns)
    step_x, step_y = CELL + GAP, CELL + CAPTION + GAP
    page = Image.new("RGB", (columns * step_x + GAP, rows * step_y + GAP), PAPER)
    for place, cell in enumerate(cells):
        page.paste(cell, (GAP + place % columns * step_x, GAP + place // columns * step_y))
    return page


def in_a_cell(width: int, height: int) -> tuple[int, int]:
    scale = CELL / max(width, height)
    return max(1, round(width * scale)), max(1, round(height * scale))


def _label(pen: ImageDraw.ImageDraw, each: SceneObject, colour: str, size: tuple[int, int]) -> None:
    """The description on a strip above its box, or inside where there is no room above; never off the picture."""
    x1, y1, _, _ = to_pixels([each.box], *size)[0].tolist()
    text = _cut(each.desc, LONGEST)
    width = pen.textlength(text, font(text)) + 6
    x = min(max(0.0, x1 - 1), max(0.0, size[0] - width))
    y = y1 - TEXT - 4 if y1 >= TEXT + 4 else y1
    pen.rectangle((x, y, x + width, y + TEXT + 3), fill=(*ImageColor.getrgb(colour), 225))
    pen.text((x + 3, y), text, INK, font(text))


def _cut(desc: str, longest: int) -> str:
    """A description in one line: a record may hold line breaks, which `convert` refuses."""
    line = " ".join(desc.split())
    return line if len(line) <= longest else line[: longest - 1] + "…"


def font(text: str) -> Any:
    """One that has the characters of a text, as far as the machine has one; without matplotlib Pillow's own."""
    return _opened(fonts_for([text]).files[-1]) if plots.available() else ImageFont.load_default(TEXT)


@functools.cache
def _opened(file: str) -> Any:
    return ImageFont.truetype(file, TEXT)


def _draw_distributions(found: Tally, path: Path) -> None:
    figure, (counts, descs, sides, places) = plots.panels(4, columns=2, height=3.0)
    plots.title(counts, "Objects per image")
    counts.bar(list(found.objects_per_image), list(found.objects_per_image.values()), color=plots.COLOURS[0])
    counts.set_ylabel("images", color=plots.MUTED)
    plots.title(descs, "Commonest descriptions")
    common = found.descs.most_common(12)[::-1]
    descs.barh(range(len(common)), [count for _, count in common], color=plots.COLOURS[0])
    descs.set_yticks(range(len(common)), [_cut(name, LONGEST_LABEL).replace("$", r"\$") for name, _ in common])
    plots.title(sides, "Sides of boxes")
    for name, counted, colour in zip(
        ("width", "height"), (found.widths_1000, found.heights_1000), plots.COLOURS, strict=False
    ):
        sides.step(range(0, 1000, 25), counted.reshape(40, 25).sum(axis=1), color=colour, label=name, where="post")
    sides.set_xlabel("share of the image, in 1000 bins", color=plots.MUTED)
    sides.legend(frameon=False, fontsize=9)
    plots.title(places, "Where the middles of boxes lie")
    places.imshow(found.middles, cmap="Blues", vmin=0, extent=(0, 1000, 1000, 0))
    places.grid(False)
    plots.save(figure, path)
