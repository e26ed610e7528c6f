"""Names of images in records: relative paths that stay inside the folder of the file."""

from pathlib import Path, PurePosixPath

from railyard.core.errors import short


def checked(name: str) -> str:
    """The name; ValueError, one sentence, for an absolute one, one that leads upward, and what is no name at all."""
    if PurePosixPath(name).is_absolute() or "\0" in name:
        raise ValueError(f"an image is named relative to the file's folder, got {short(name)}")
    if ".." in PurePosixPath(name).parts:
        raise ValueError(
            f"an image lies in the file's folder or below it, got {short(name)}: `railyard convert` takes a folder "
            "further up as images=…, and then names from there on"
        )
    return name


def below(root: Path, name: str) -> Path:
    """The path of an image in the folder `root`; ValueError for a link that leads out of it."""
    path = root / name
    if not path.resolve().is_relative_to(root.resolve()):
        raise ValueError(f"the image {path} is a link out of {root}, which is not followed: copy the file there")
    return path


def is_there(path: Path) -> bool:
    """Whether a file has this path; false for impossible names and for folders that may not be read."""
    try:
        return path.is_file()
    except OSError:
        return False
