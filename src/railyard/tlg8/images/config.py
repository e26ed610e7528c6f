"""What `railyard decode` takes: files, to be images again."""

from collections.abc import Callable
from typing import Any

from pydantic import Field

from railyard.core.config.component import PathKnob
from railyard.core.errors import OnError
from railyard.core.verbs.verb import Work

ON_ERROR = "a file that cannot be taken ends the job, or is left out and reported"


class Decode(Work):
    """Decodes .tlg8 files to PNG."""

    unit = "files"
    reads = ("files",)

    files: PathKnob = Field(description="a folder, searched with its subfolders for .tlg8 files; or one file")
    out: PathKnob = Field(description="folder for the PNG files, in the same subfolders")
    on_error: OnError = Field("stop", description=ON_ERROR)

    def run(self, progress: Callable[[int, int], None] | None = None) -> dict[str, Any]:
        """Decodes; what was done. `progress` is told files done and files in all."""
        from railyard.tlg8.images.decoding import decode

        return decode(self.files, self.out, self.on_error, progress)
