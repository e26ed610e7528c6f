"""What `railyard encode` takes: images, and how to choose their tuples.

It stands above all folders of the rail, since a selector may be one that was trained.
"""

from typing import Any, Literal

from pydantic import Field, model_validator

from railyard.core.config.component import PathKnob
from railyard.core.errors import OnError
from railyard.core.progress import Count
from railyard.core.verbs.verb import Work
from railyard.tlg8.codec.selectors import Exhaustive, Gated, Selector, Staged
from railyard.tlg8.images.config import ON_ERROR

WORKERS = "threads that search, null: one a core"


class Encode(Work):
    """Encodes images as .tlg8 files."""

    unit = "images"
    reads = ("images",)

    images: PathKnob = Field(description="a folder, searched with its subfolders for PNG, BMP, WebP, JPEG; or one file")
    out: PathKnob = Field(description="folder for the .tlg8 files, in the same subfolders")
    selector: Literal["gated", "exhaustive", "staged"] = Field(
        "gated",
        description="how each block's tuple is found: as the reference encoder does, among all 12,288, or by a "
        "fixed number of evaluations",
    )
    entropy: Literal["auto", "plain", "runlength", "after"] = Field(
        "auto", description="entropy codes to choose from; `after` decides once the tuple is found, for half the time"
    )
    n: int | None = Field(None, ge=1, le=8, description="selector=staged: predictors tried in stage 1; null: 2")
    m: int | None = Field(None, ge=1, le=96, description="selector=staged: pairs tried in full; null: 4")
    compare: bool = Field(True, description="also measure lossless WebP of each image, by Pillow at its slowest method")
    on_error: OnError = Field("stop", description=ON_ERROR)
    workers: int | None = Field(None, ge=1, description=WORKERS)

    @model_validator(mode="after")
    def _stages_are_those_of_staged(self) -> "Encode":
        given = [key for key in ("n", "m") if getattr(self, key) is not None]
        if given and self.selector != "staged":
            raise ValueError(f"{given[0]} belongs to selector=staged; with selector={self.selector} leave it out")
        return self

    def _chosen(self) -> Selector:
        """The selector that the keys name."""
        if self.selector == "staged":
            stages = {key: value for key in ("n", "m") if (value := getattr(self, key)) is not None}
            return Staged(entropy=self.entropy, **stages)
        return {"gated": Gated, "exhaustive": Exhaustive}[self.selector](entropy=self.entropy)

    def run(self, progress: Count | None = None) -> dict[str, Any]:
        """Encodes; the table as rows. `progress` is told images done, images in all, and where it is."""
        from railyard.core.store.workers import cores
        from railyard.tlg8.images.encoding import encode

        threads = self.workers or cores()
        return encode(self.images, self.out, self._chosen(), threads, self.compare, self.on_error, progress)

    def text(self, result: dict[str, Any]) -> str:
        from railyard.tlg8.images.encoding_table import table

        return table(result)
