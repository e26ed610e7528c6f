"""`njit` for every compiled function of Railyard, with a cache that cannot go stale.

numba's on-disk cache does not notice that a callee in another file changed. So the cache folder is keyed by
a hash of the whole source tree, and set here before numba is first imported: compiled code imports `njit`
from this module, never from numba.
"""

import hashlib
import os
import sys
import tempfile
from functools import partial
from pathlib import Path

SOURCE = Path(__file__).resolve().parents[1]


def source_hash() -> str:
    """Hex digest over the names and bytes of all Python files of the package."""
    digest = hashlib.sha256()
    for path in sorted(SOURCE.rglob("*.py")):
        digest.update(str(path.relative_to(SOURCE)).encode())
        digest.update(path.read_bytes())
    return digest.hexdigest()


def cache_folder() -> Path:
    base = os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    return Path(base) / "railyard" / "numba" / source_hash()[:16]


def _use_cache_folder() -> None:
    folder = cache_folder()
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # a read-only home: compile into a folder of this process rather than fail
        folder = Path(tempfile.mkdtemp(prefix="railyard-numba-"))
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


if "numba" not in sys.modules:
    _use_cache_folder()

import numba  # noqa: E402  (the cache folder has to be known first)

njit = partial(numba.njit, cache=True, nogil=True)
# of a function that only compiled code calls: without the ways in from Python, a quarter less to compile
inner = partial(njit, no_cpython_wrapper=True, no_cfunc_wrapper=True)
