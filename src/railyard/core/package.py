"""The installed package: its version, those of others, and the folders that ship with it. Imports nothing heavy."""

import os
from functools import cache

__version__ = "0.1.0"

# by os alone: pathlib would cost a tenth of the time that help takes
FOLDER = os.path.realpath(__file__).removesuffix("/core/package.py")


def bundled(name: str) -> str:
    """A folder that ships with Railyard (`conf`, `samples`): in the wheel, else in the checkout."""
    inside = os.path.join(FOLDER, name)  # noqa: PTH118
    return inside if os.path.isdir(inside) else os.path.join(FOLDER.removesuffix("/src/railyard"), name)  # noqa: PTH112, PTH118


@cache  # this process goes on with what it began with; to read all files again takes 17 ms
def source_hash() -> str:
    """Hex digest over the names and bytes of all Python files of the package."""
    import hashlib
    from pathlib import Path

    digest, source = hashlib.sha256(), Path(FOLDER)
    for path in sorted(source.rglob("*.py")):
        digest.update(str(path.relative_to(source)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def version_of(name: str) -> str | None:
    """The version of an installed package, None of one that is not there."""
    from importlib.metadata import PackageNotFoundError, version

    try:
        return version(name)
    except PackageNotFoundError:
        return None
