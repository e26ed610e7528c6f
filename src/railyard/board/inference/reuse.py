"""Memory of large messages is used again: without this each answer of megabytes costs a page fault for every 4 kB.

By itself glibc gives memory back to the system as soon as a few megabytes are free, and gets it anew for the next
message, several times on either side: that took half of the time of bulk answers. And threads get pools of their own,
whose holes grow for as long as messages of many sizes come: 50 MB after 40,000 of them, 17 MB in a single pool.
"""

import ctypes
from functools import cache

# of glibc's mallopt; setting one of the first two ends its own changing of both
M_TRIM_THRESHOLD, M_MMAP_THRESHOLD, M_ARENA_MAX = -1, -3, -8
KEPT = 64 << 20  # bytes that may be free at the end of the heap before they are given back
MAPPED = 32 << 20  # bytes from which an allocation is mapped by itself: the most that glibc takes


@cache
def keep_freed_memory() -> None:
    """Has this process do so, where its C library can."""
    mallopt = getattr(ctypes.CDLL(None), "mallopt", None)
    if mallopt is not None:
        mallopt(M_TRIM_THRESHOLD, KEPT)
        mallopt(M_MMAP_THRESHOLD, MAPPED)
        mallopt(M_ARENA_MAX, 1)  # of threads that begin from now on
