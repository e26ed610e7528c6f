"""The proof `review`: requests made of the OpenAPI document, and traversal strings: tests/helpers/review_fuzz.py."""

import os
import sys
import tempfile
import time
from collections import Counter
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
REQUESTS, STRINGS, SEED = 20_000, 2_000, 19


def review() -> tuple[str, bool]:
    """asks a review server 20,000 requests made up from its OpenAPI document, and 2,000 strings that climb folders"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import review_fuzz
    from review_examples import SESSION
    from reviewed import reviewed_examples

    start = time.monotonic()
    with tempfile.TemporaryDirectory(prefix="railyard-prove-") as cache:
        os.environ["XDG_CACHE_HOME"] = cache
        with reviewed_examples() as client:
            document = client.get("/openapi.json").json()
            endpoints = sum(map(len, document["paths"].values()))
            known = {"session": SESSION, "run_id": 0}
            faults, statuses, first_seed = [], Counter(), SEED
            while (left := REQUESTS - statuses.total()) > 0:  # some endpoints can be asked in a few ways only
                more, others = review_fuzz.made_up(client, -(-left // endpoints), first_seed, known)
                faults, statuses, first_seed = faults + more, statuses + others, first_seed + 100
            print(f"made up: {dict(statuses)}, {len(faults)} faults", flush=True)
            escaped = review_fuzz.escapes(client, STRINGS, SEED)
            print(f"traversal: {len(escaped)} escaped", flush=True)
    told = ", ".join(f"{count:,} of {status}" for status, count in sorted(statuses.items()))
    lines = [
        f"**{len(faults) + len(escaped)} faults**, in {time.monotonic() - start:.0f} s; seed {SEED}. "
        f"{'; '.join([*faults, *escaped][:3])}".rstrip(),
        f"{statuses.total():,} requests over {endpoints} endpoints, made up by schemathesis from the OpenAPI document, "
        f"most of them with a session and a run that exist. Answers: {told}; each fits the schema of its status and "
        "media type, none is a 5xx.",
        f"{STRINGS:,} strings that climb folders, in every parameter and as paths: none got a file.",
    ]
    return "\n\n".join(lines), not (faults or escaped)
