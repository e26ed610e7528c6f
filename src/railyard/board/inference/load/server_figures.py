"""What a server tells of its passes and its queue, at the address that it was given as `metrics=`."""

import urllib.request
from collections.abc import Mapping

from railyard.core.errors import UserError

LONGEST_PAGE = 1 << 20  # bytes
Numbers = Mapping[str, float]


def read(address: str) -> Numbers:
    """The samples without labels of a page for Prometheus, by name. UserError where nobody answers there."""
    try:
        with urllib.request.urlopen(f"http://{address}/metrics", timeout=5) as page:
            text = page.read(LONGEST_PAGE).decode("utf-8", "replace")
    except (OSError, ValueError) as fault:
        raise UserError(f"metrics={address} does not answer ({fault}): give what railyard serve was given") from fault
    return parsed(text)


def parsed(text: str) -> Numbers:
    samples = [line.split() for line in text.splitlines() if not line.startswith("#") and "{" not in line]
    return {words[0]: float(words[1]) for words in samples if len(words) >= 2}


def between(before: Numbers, after: Numbers) -> Numbers:
    """Figures of the time between two readings; those that the server does not know are left out."""

    def mean(name: str) -> float | None:
        count = after.get(f"{name}_count", 0.0) - before.get(f"{name}_count", 0.0)
        return (after[f"{name}_sum"] - before.get(f"{name}_sum", 0.0)) / count if count else None

    queue, compute = mean("railyard_queue_seconds"), mean("railyard_compute_seconds")
    found = {
        "rows_of_a_pass": mean("railyard_pass_boards"),
        "queue_ms": None if queue is None else 1000 * queue,
        "compute_ms": None if compute is None else 1000 * compute,
        "queued_boards": after.get("railyard_queued_boards"),
    }
    return {name: value for name, value in found.items() if value is not None}
