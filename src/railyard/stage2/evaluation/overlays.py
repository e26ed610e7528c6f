"""Pictures of judged images: the truth on the left, what the model wrote on the right."""

from collections.abc import Iterable
from pathlib import Path

from PIL import Image, ImageDraw

from railyard.core.store import durable
from railyard.stage2.evaluation.judged import Judged
from railyard.stage2.scenes.drawing import CAPTION, CELL, GAP, INK, PAPER, font, in_a_cell, overlay
from railyard.stage2.scenes.pictures import picture_of, png
from railyard.stage2.scenes.records import SceneObject

FOLDER = "overlays"


def name_of(image: Judged) -> str:
    """The file of an image below the folder of an evaluation; several records may name one picture."""
    return f"{FOLDER}/{image.line:07d}.png"


def draw(images: Iterable[Judged], root: Path, out: Path) -> None:
    """Writes an overlay of each image into `out`; `root`: the folder that its name is relative to."""
    for image in images:
        durable.write_bytes(out / name_of(image), png(pair(image, root)))


def pair(image: Judged, root: Path) -> Image.Image:
    """Both sides of one image; a grey field where its file cannot be read any more."""
    try:
        whole = picture_of(root / image.image)
        picture = whole.resize(in_a_cell(*whole.size))
    except ValueError:
        picture = Image.new("RGB", in_a_cell(*image.size), "#9aa5b1")
    written = [SceneObject(each.desc, each.box) for each in image.predictions]
    matched = len(image.matchings[0.5].pairs)
    sides = (
        (image.objects, f"line {image.line}: {len(image.objects)} there"),
        (written, f"{len(written)} written, {matched} right at IoU 0.5"),
    )
    page = Image.new("RGB", (2 * CELL + GAP, CELL + CAPTION), PAPER)
    for place, (objects, caption) in enumerate(sides):
        drawn, left = picture.copy(), place * (CELL + GAP)
        overlay(drawn, objects)
        page.paste(drawn, (left + (CELL - drawn.width) // 2, (CELL - drawn.height) // 2))
        ImageDraw.Draw(page).text((left + CELL / 2, CELL + 4), caption, INK, font(caption), anchor="ma")
    return page
