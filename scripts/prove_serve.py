"""The proof `serve`: a running inference server under attack, tests/helpers/serve_harness.py."""

import sys
import time
from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]
DAMAGED, CANCELLED, SIGNALS, KILLED = 100_000, 10_000, 20, 200
FLAT = 0.01  # growth of memory from the second to the last quarter of the damaged requests
SEED = 15


def serve() -> tuple[str, bool]:
    """attacks an inference server: 100,000 damaged requests, 10,000 cancellations, 20 signals, 200 killed clients"""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import serve_harness as harness

    start, found = time.monotonic(), {}
    trials = (harness.damaged, DAMAGED), (harness.cancelled, CANCELLED), (harness.stopped, SIGNALS)
    for trial, count in (*trials, (harness.killed, KILLED)):
        found[trial.__name__] = trial(count, SEED)
        print(f"{trial.__name__}: {found[trial.__name__]}", flush=True)
    damaged, cancelled, stopped, killed = found.values()
    faults = [f"{name}: {fault}" for name, each in found.items() for fault in each["faults"]]
    faults += [f"damaged: memory grew by {damaged['grown']:.1%}"] if damaged["grown"] > FLAT else []
    statuses = ", ".join(f"{count:,} {name}" for name, count in sorted(damaged["statuses"].items()))
    ends = ", ".join(f"{count:,} {name}" for name, count in sorted(cancelled["ends"].items()))
    lines = [
        f"**{len(faults)} faults**, in {time.monotonic() - start:.0f} s; seed {SEED}. {'; '.join(faults)}".rstrip(),
        f"{DAMAGED:,} damaged requests, half of them bytes, half fields, a fifth in streams: {statuses}; health "
        "SERVING, nothing pending, no traceback. Anonymous memory, the median of 25 looks, was "
        f"{damaged['memory'] >> 20} MiB in the second quarter of them, and {damaged['grown']:+.2%} in the last.",
        f"{CANCELLED:,} requests cancelled or with deadlines of 0.5 to 50 ms, on passes of 2 ms: {ends}. The gauges of "
        f"pending and queued boards came back to 0; {cancelled['expired']:,} expired in the queue, none of which had a "
        "pass.",
        f"SIGTERM under the load of eight clients, {SIGNALS} times: exit code 0 each time, after at most "
        f"{stopped['seconds']:.1f} s; {stopped['boards']:,} boards were answered, and all of them arrived; "
        f"{stopped['refused']} requests that came later were refused.",
        f"{KILLED} clients killed in the middle of a stream: nothing pending, health SERVING, memory "
        f"{killed['grown']:+.1%}.",
    ]
    return "\n\n".join(lines), not faults
