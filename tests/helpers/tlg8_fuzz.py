"""Damaged .tlg8 files: every truncation, and random mutations. What comes back has to be an image or a `BadFile`.

`python tlg8_fuzz.py CASES SEED` decodes them in a process of its own, in which compiled code checks every index
(NUMBA_BOUNDSCHECK, set by `run_apart`), memory is bounded and a file that takes too long kills the process; it
prints what happened as JSON. Used by test_damaged_files.py and by `./run prove fuzz`.
"""

import json
import os
import re
import resource
import signal
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path
from random import Random

EXTRA_MEMORY = 1 << 30  # bytes beyond what the warm process maps; the largest image allowed takes a quarter
HEADER_BYTES = 225
SECONDS = 60  # for one file
EXTREMES = (0, 1, 2, 0x7F, 0x80, 0xFF)


def run_apart(cases, seed):
    """What `main` prints, from a process that checks indices, and the process's exit code and messages."""
    with tempfile.TemporaryDirectory() as cache:
        # code with checks must not be found in, nor get into, the usual cache
        environment = {**os.environ, "NUMBA_BOUNDSCHECK": "1", "XDG_CACHE_HOME": cache}
        command = [sys.executable, __file__, str(cases), str(seed)]
        done = subprocess.run(command, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, (done.returncode, done.stderr[-2000:])
    return json.loads(done.stdout)


def small_files():
    """Files of two or more tiles, of every kind of choice: written from parts of the fixtures' images."""
    import numpy as np
    from tlg8 import IMAGES, encoded

    from railyard.tlg8.codec.file import read, write
    from railyard.tlg8.codec.image import search_image
    from railyard.tlg8.codec.selectors import Staged

    rng = np.random.default_rng(0)
    files = []
    for image in IMAGES:
        planes = read(encoded(image))
        for top, left, height, width in ((120, 200, 90, 21), (0, 0, 17, 40)):
            part = np.ascontiguousarray(planes[:, top : top + height, left : left + width])
            found = search_image(part, Staged())
            count = len(found.ranks_N2)
            ranks = rng.integers(0, 12288, count).astype(np.uint16)
            entropies = rng.integers(0, 2, count).astype(np.uint8)
            files += [write(part, found.ranks_N2[:, 0], found.entropies_N2[:, 0]), write(part, ranks, entropies)]
    return files


def mutated(data, random):
    """The file with one to four pieces of damage, a quarter of them in the header."""
    out = bytearray(data)
    for _ in range(random.choice((1, 1, 1, 2, 4))):
        at = random.randrange(min(len(out), HEADER_BYTES) if random.random() < 0.25 else len(out))
        kind = random.choice((0, 0, 0, 1, 1, 2, 2, 3, 4, 5))
        if kind == 0:
            out[at] ^= 1 << random.randrange(8)
        elif kind == 1:
            out[at] = random.randrange(256)
        elif kind == 2:
            out[at] = random.choice(EXTREMES)
        elif kind == 3:
            del out[at : at + random.randint(1, 16)]
        elif kind == 4:
            out[at:at] = random.randbytes(random.randint(1, 16))
        else:
            end = at + random.randint(1, 64)
            out[at:end] = random.randbytes(len(out[at:end]))
        if not out:
            break
    return bytes(out)


def outcome(data):
    """`image`, or the complaint without its numbers."""
    from railyard.tlg8.codec.file import read
    from railyard.tlg8.codec.file_header import BadFile

    signal.alarm(SECONDS)
    try:
        planes = read(data)
    except BadFile as bad:
        return re.sub(r"[\d,]*\d", "#", str(bad))
    finally:
        signal.alarm(0)
    assert planes.dtype == "uint8"
    assert planes.ndim == 3
    return "image"


def main():
    cases, seed = int(sys.argv[1]), int(sys.argv[2])
    files = small_files()
    assert {outcome(data) for data in files} == {"image"}
    mapped = int(Path("/proc/self/statm").read_text().split()[0]) * resource.getpagesize()
    resource.setrlimit(resource.RLIMIT_AS, (mapped + EXTRA_MEMORY, mapped + EXTRA_MEMORY))
    truncations = Counter(outcome(data[:length]) for data in files for length in range(len(data)))
    random = Random(seed)
    mutations = Counter(outcome(mutated(random.choice(files), random)) for _ in range(cases))
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024
    sys.stdout.write(
        json.dumps({"truncations": truncations, "mutations": mutations, "files": len(files), "peak": peak})
    )


if __name__ == "__main__":
    main()
