"""What `railyard extract` takes: images in, searched blocks out."""

from typing import Any, Literal

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.errors import OnError
from railyard.core.making.parts import Part, PartKnob
from railyard.core.progress import Count
from railyard.core.verbs.verb import Work


class Extract(Work):
    """Searches all blocks of images as the reference encoder does and writes what it found as a pack."""

    unit = "blocks"
    reads = ("images",)

    images: PathKnob = Field(description="a folder, searched with its subfolders for PNG, BMP, WebP, JPEG; or one file")
    out: PathKnob = Field(description="folder of the new pack; it appears complete or not at all")
    entropy: Literal["plain", "runlength", "auto"] = Field(
        "plain", description="entropy codes that the search chooses from; rankers are trained on Plain alone"
    )
    compressed: bool = Field(False, description="training.all.jsonl.zst, an eighth of the size; needs zstandard")
    on_error: OnError = Field(
        "stop", description="an image that cannot be taken ends the job, or is left out and reported"
    )
    workers: int | None = Field(
        None, ge=1, description="processes that search, 1 works in this one; null: one a core, as far as it pays"
    )
    part: PartKnob = Field(
        "0/1", description="i/n does the i-th of n shares, from 0; the last one to finish joins them"
    )

    def run(self, progress: Count | None = None) -> dict[str, Any]:
        """Extracts; what was counted. `progress` is told blocks done, in all, and done before this call."""
        from railyard.tlg8.artifacts.extraction import Options, extract

        options = Options(self.entropy, self.compressed)
        part = Part.parse(self.part)
        return extract(self.images, self.out, options, self.on_error, self.workers, part, progress)
