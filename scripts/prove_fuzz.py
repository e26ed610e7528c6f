"""The proof `fuzz`: damaged .tlg8 files, tests/helpers/tlg8_fuzz.py."""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
CASES = 10_000
SEED = 11


def fuzz() -> tuple[str, bool]:
    """decodes every truncation of small .tlg8 files and 10,000 damaged ones in a process that checks indices"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import tlg8_fuzz

    start = time.monotonic()
    report = tlg8_fuzz.run_apart(CASES, SEED)
    truncations, mutations = report["truncations"], report["mutations"]
    images = truncations.get("image", 0)
    lines = [
        f"{sum(truncations.values()):,} truncations of {report['files']} files: **{images} decoded**, the others "
        f"refused in a sentence. {sum(mutations.values()):,} mutated files: {mutations.get('image', 0):,} decoded, the "
        f"others refused, **none ended otherwise**, in {time.monotonic() - start:.0f} s.",
        "One process decoded them all, with the default limit of pixels. Compiled code checked every index "
        f"(NUMBA_BOUNDSCHECK), memory was bounded to {tlg8_fuzz.EXTRA_MEMORY >> 20} MiB beyond the warm process, and a "
        f"file of more than {tlg8_fuzz.SECONDS} s would have killed it; its resident peak was {report['peak'] >> 20} "
        f"MiB, compiler included; seed {SEED}. A mutation is one to four of: a bit, a byte, up to 64 bytes changed, up "
        "to 16 left out or put in; a quarter of them in the header.",
        "| mutated files | number |\n| --- | --: |\n"
        + "\n".join(f"| {what} | {count} |" for what, count in sorted(mutations.items(), key=lambda item: -item[1])),
    ]
    return "\n\n".join(lines), images == 0
