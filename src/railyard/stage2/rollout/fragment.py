"""The text that goes on after a rollout's whole objects: missed objects with the next keys, then the outermost close.

For looking at a rollout as it should have ended; channel B's target is written anew (`objective/targets.py`).
"""

import json
from collections.abc import Sequence

from railyard.stage2.rollout.scan import scan
from railyard.stage2.scenes.coordinates import TOKENS
from railyard.stage2.scenes.records import SceneObject


def fragment(prefix: str, next_index: int, missed: Sequence[SceneObject]) -> str:
    """What makes whole JSON of a prefix, with the missed objects keyed from `next_index` (as `Rollout` gives it).

    Raises ValueError unless the prefix ends with its `{` or a whole object, or with a comma after one and objects to
    come.
    """
    text = prefix.encode()
    found = scan(text)
    rest = text[found.prefix :].strip()
    after_object = text[found.prefix - 1 : found.prefix] == b"}"
    if found.closed or not found.prefix or not (rest == b"" or (rest == b"," and after_object and missed)):
        raise ValueError(f"{prefix[-40:]!r} does not end where an object may follow")
    entries = {
        f"object_{number}": {"desc": each.desc, "bbox_2d": [TOKENS[bin_] for bin_ in each.box]}
        for number, each in enumerate(missed, next_index)
    }
    comma = ", " if missed and after_object and not rest else ""
    return comma + json.dumps(entries, ensure_ascii=False)[1:]
