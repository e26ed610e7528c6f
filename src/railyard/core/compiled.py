"""`njit` for every compiled function of Railyard, with a cache that cannot go stale.

numba's on-disk cache does not notice that a callee in another file changed. So the cache folder is keyed by
a hash of the whole source tree, and set here before numba is first imported: compiled code imports `njit`
from this module, never from numba.
"""

import atexit
import logging
import os
import pickle
import shutil
import stat
import sys
import tempfile
from functools import partial
from pathlib import Path
from typing import Any

from railyard.core.errors import UserError
from railyard.core.package import source_hash

log = logging.getLogger(__name__)

# what unpickling damaged bytes raises
_DAMAGE = (
    *(pickle.UnpicklingError, EOFError, ValueError, KeyError, IndexError, TypeError, AttributeError, ImportError),
    MemoryError,
)


def cache_folder() -> Path:
    """Where compiled code of this version is kept: below the user's cache; without a home below a temporary folder."""
    name = Path("railyard", "numba", source_hash()[:16])
    if base := os.environ.get("XDG_CACHE_HOME"):
        return base / name
    try:
        return Path.home() / ".cache" / name
    except RuntimeError:  # no HOME, and no entry for this user
        return _own_temporary() / name


def _own_temporary() -> Path:
    """One folder of this user for all processes; another user's of that name is not used, since cached code runs."""
    folder = Path(tempfile.gettempdir()) / f"railyard-{os.getuid()}"
    folder.mkdir(mode=0o700, exist_ok=True)
    facts = folder.lstat()
    if not stat.S_ISDIR(facts.st_mode) or facts.st_uid != os.getuid() or facts.st_mode & 0o022:
        raise OSError(f"{folder} is another user's")
    return folder


def _use_cache_folder() -> None:
    try:
        folder = cache_folder()
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        # a read-only home: compile into a folder of this process rather than fail
        folder = Path(tempfile.mkdtemp(prefix="railyard-numba-"))
        atexit.register(shutil.rmtree, folder, ignore_errors=True)
    os.environ["NUMBA_CACHE_DIR"] = str(folder)


def _forget_damage() -> None:
    """Let numba compile anew what it cannot read from its cache, which would fail at every call until it is deleted."""
    from numba.core import caching

    cache: Any = caching.IndexDataCacheFile
    load = cache.load

    def load_or_forget(self: Any, key: Any) -> Any:
        try:
            return load(self, key)
        except _DAMAGE as fault:
            log.warning("compiled code in %s is damaged (%s): compiling it anew", self._index_path, fault)
            Path(self._index_path).unlink(missing_ok=True)
            return None

    cache.load = load_or_forget


if os.environ.get("NUMBA_DISABLE_JIT", "0") not in ("", "0"):
    raise UserError("NUMBA_DISABLE_JIT is set, but Railyard's kernels run compiled only: unset it")
if "numba" not in sys.modules:
    _use_cache_folder()

import numba  # noqa: E402  (the cache folder has to be known first)

_forget_damage()
njit = partial(numba.njit, cache=True, nogil=True)
# of a function that only compiled code calls: without the ways in from Python, a quarter less to compile
inner = partial(njit, no_cpython_wrapper=True, no_cfunc_wrapper=True)
