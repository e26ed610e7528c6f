"""What `railyard scenes` and `railyard convert` take: made scenes, or annotations in other forms; a data set out."""

from typing import Annotated, Any, Literal

from pydantic import Field, model_validator

from railyard.core.config.component import Component, PathKnob
from railyard.core.errors import OnError
from railyard.core.progress import Count
from railyard.core.verbs.verb import Work

Colour = Literal["red", "green", "blue", "yellow", "orange", "purple", "pink", "brown", "black", "white"]
Shape = Literal["circle", "ring", "square", "diamond", "triangle", "cross", "star"]
Size = Annotated[float, Field(gt=0, le=1)]
Space = Literal["auto", "pixels", "norm1000", "tokens"]
SPACE = (
    "what plain numbers of a record are (tokens say so themselves); auto: what its metadata.coordinate_space names, "
    "else pixels; tokens: none are wanted"
)
OUT = "folder of the new data set; it appears complete or not at all"
FIRST = 5  # of what was left out is printed; manifest.json has all of it
SIZES = {"shapes": (0.12, 0.4), "digits": (0.16, 0.45)}  # where min_size and max_size are null
WORKERS = "processes, 1 works in this one; null: one a core, as far as it pays"


class SpaceOfScenes(Component, abstract=True):
    """The key that `railyard show` takes for scenes."""

    space: Space = Field("auto", description=f"of scenes: {SPACE}")


class MakeScenes(Work):
    """Makes pictures with objects in known places."""

    unit = "images"

    kind: Literal["shapes", "digits"] = Field(
        description="coloured shapes on a gradient, or handwritten digits on photographs"
    )
    out: PathKnob = Field(description=OUT)
    n: int = Field(1000, ge=1, le=10_000_000, description="scenes; those of a smaller n are the first of a larger one")
    seed: int = Field(0, ge=0, lt=2**63, description="two seeds have no scene in common: one for training, one to test")
    min_side: int = Field(160, ge=64, le=2048, multiple_of=32, description="least pixels of a side, a multiple of 32")
    max_side: int = Field(256, ge=64, le=2048, multiple_of=32, description="most pixels of a side, a multiple of 32")
    min_objects: int = Field(1, ge=0, le=100, description="least objects of a scene, as far as they find room")
    max_objects: int = Field(6, ge=0, le=100, description="most objects of a scene, as far as they find room")
    min_size: Size | None = Field(
        None, description="least side of an object, as a share of the picture's shorter one; null: 0.12, digits 0.16"
    )
    max_size: Size | None = Field(None, description="most of it; null: 0.4, of digits 0.45")
    colours: list[Colour] | None = Field(
        None, min_length=1, description="of shapes: fewer are learned sooner, as colours=[red,blue]; null: all ten"
    )
    shapes: list[Shape] | None = Field(
        None, min_length=1, description="of shapes: which there are, as shapes=[circle,square]; null: all seven"
    )
    workers: int | None = Field(None, ge=1, description=WORKERS)

    @model_validator(mode="after")
    def _choices_are_of_shapes(self) -> "MakeScenes":
        given = [name for name in ("colours", "shapes") if getattr(self, name) is not None]
        if given and self.kind != "shapes":
            raise ValueError(f"{given[0]} belongs to kind=shapes, got kind={self.kind}: leave it out")
        for name in given:
            if len(set(getattr(self, name))) < len(getattr(self, name)):
                raise ValueError(f"{name} names one twice: each is chosen as often as the others")
        return self

    @model_validator(mode="after")
    def _sizes_are_in_order(self) -> "MakeScenes":
        least, most = (SIZES[self.kind][at] if given is None else given for at, given in enumerate(self._sizes))
        if least > most:
            raise ValueError(f"objects of a side of {least:g} to {most:g}: lower min_size or raise max_size")
        return self

    @property
    def _sizes(self) -> tuple[float | None, float | None]:
        return self.min_size, self.max_size

    @model_validator(mode="after")
    def _ranges_are_not_empty(self) -> "MakeScenes":
        for name in ("side", "objects"):
            least, most = getattr(self, f"min_{name}"), getattr(self, f"max_{name}")
            if least > most:
                raise ValueError(f"min_{name}={least} is above max_{name}={most}: lower the one or raise the other")
        return self

    def run(self, progress: Count) -> dict[str, Any]:
        """Makes them; what was counted."""
        from railyard.stage2.scenes.generating import Recipe, generate
        from railyard.stage2.scenes.painting import Layout

        layout = Layout(
            *(self.min_side, self.max_side, self.min_objects, self.max_objects),
            *self._sizes,
            tuple(self.colours or ()),
            tuple(self.shapes or ()),
        )
        manifest = generate(Recipe(self.kind, self.seed, layout), self.n, self.out, self.workers, progress)
        return {"out": str(self.out), **manifest["counts"]}


class Convert(Work):
    """Converts annotations of other forms, with their images."""

    unit = "images"

    source: PathKnob = Field(
        description="COCO annotations (instances_*.json), or records (.jsonl) in pixels, norm1000 or tokens"
    )
    images: PathKnob | None = Field(
        None, description="folder that the names of the images are relative to; null: that of source"
    )
    out: PathKnob = Field(description=OUT)
    max_pixels: int = Field(
        786_432,
        ge=4096,
        description="most pixels of an image as fed: 768 tokens of 32 x 32 by default; a larger one is reduced",
    )
    space: Space = Field("auto", description=SPACE)
    on_error: OnError = Field(
        "stop", description="an image or record that cannot be taken ends the job, or is left out and reported"
    )
    workers: int | None = Field(None, ge=1, description=WORKERS)

    def run(self, progress: Count) -> dict[str, Any]:
        """Converts; what was counted, and the first of what was left out."""
        from railyard.stage2.scenes.converting import Options, convert

        options = Options(self.max_pixels, self.space, self.on_error)
        manifest = convert(self.source, self.images, self.out, options, self.workers, progress)
        left_out = {"first_skipped": manifest["skipped"][:FIRST]} if manifest["skipped"] else {}
        return {"out": str(self.out), **manifest["counts"], **left_out}
