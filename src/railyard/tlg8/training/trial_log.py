"""What the journal of a search says: which trial is best, what the Pareto front is, when to stop, and how it ended.

Pure functions of the records of `progress.jsonl`, so that `best.json` and the study can always be made again.
A trial's record has `trial_id`, `status`, `figures`, `parameters_total`; the last one of an ended search has `event`.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from railyard.tlg8.training.objectives import Gate, hits_any

GAIN, PATIENCE = 0.001, 10  # the source's: 0.1 points of hit rate within ten trials
SCHEMA_VERSION = 1

Record = Mapping[str, Any]


@dataclass(frozen=True)
class Goal:
    """What trials are compared by. hit: the hit rate that has to rise. gates: of the mode, any of which is enough.

    by_bits: the best has the fewest excess bits; else the fewest parameters of those that reach a gate, and as long as
    none does the highest hit rate.
    """

    hit: str
    gates: tuple[Gate, ...] = ()
    by_bits: bool = False

    @property
    def excess(self) -> str:
        return self.hit.replace("hit@", "excess@")


def trials_of(records: Sequence[Record]) -> list[Record]:
    """The records of trials, the others left out."""
    return [record for record in records if "trial_id" in record]


def usable(records: Sequence[Record]) -> list[Record]:
    """Trials that have figures: complete, or ended by the budget with what they had reached."""
    return [record for record in trials_of(records) if record.get("figures")]


def best(records: Sequence[Record], goal: Goal) -> Record | None:
    """The best trial; of equal ones that of fewer parameters, then the earlier one."""
    found = usable(records)
    if not found:
        return None
    passed = [record for record in found if hits_any(goal.gates, record["figures"])] if goal.gates else []
    if goal.by_bits and all(goal.excess in record["figures"] for record in found):
        return min(found, key=lambda r: (r["figures"][goal.excess], r["parameters_total"], r["trial_id"]))
    if passed:
        return min(passed, key=lambda r: (r["parameters_total"], -r["figures"][goal.hit], r["trial_id"]))
    return min(found, key=lambda r: (-r["figures"][goal.hit], r["parameters_total"], r["trial_id"]))


def pareto_front(records: Sequence[Record], goal: Goal) -> list[Record]:
    """Trials that no other one beats in parameters and in excess bits (where none are known, in hit rate), in order."""
    found = usable(records)
    has_bits = all(goal.excess in record["figures"] for record in found)

    def place(record: Record) -> tuple[float, float]:
        figures = record["figures"]
        return record["parameters_total"], figures[goal.excess] if has_bits else -figures[goal.hit]

    def beaten(one: tuple[float, float], other: tuple[float, float]) -> bool:
        return other != one and other[0] <= one[0] and other[1] <= one[1]

    return [r for r in found if not any(beaten(place(r), place(other)) for other in found)]


def trials_without_gain(records: Sequence[Record], goal: Goal) -> int:
    """Trials since the hit rate last rose by 0.1 points above what it had last risen to; failed ones count."""
    reached, since = float("-inf"), 0
    for record in trials_of(records):
        rate = (record.get("figures") or {}).get(goal.hit, float("-inf"))
        if rate >= reached + GAIN:
            reached, since = rate, 0
        else:
            since += 1
    return since


def ending(records: Sequence[Record], goal: Goal, most_trials: int) -> dict[str, Any] | None:
    """The record that ends the search, once there is a reason; None while trials are to follow.

    Ten trials without gain fail it where no gate is met, as the source says, and stop it otherwise.
    """
    since, count = trials_without_gain(records, goal), len(trials_of(records))
    if since >= PATIENCE:
        status = "stopped" if gate_met(records, goal) else "failed"
        return {
            "event": "end",
            "status": status,
            "reason": f"{since} trials without a gain of 0.1 points in {goal.hit}",
        }
    if count >= most_trials:
        return {"event": "end", "status": "finished", "reason": f"all {most_trials} trials were made"}
    return None


def gate_met(records: Sequence[Record], goal: Goal) -> bool:
    """Whether a trial reaches a gate of the mode; true for a mode without one."""
    return not goal.gates or any(hits_any(goal.gates, record["figures"]) for record in usable(records))


def summary(records: Sequence[Record], goal: Goal, run_id: str, mode: str) -> dict[str, Any]:
    """`best.json`, made of the records alone."""
    chosen, last = best(records, goal), records[-1] if records else {}
    trials = trials_of(records)
    return {
        "schema_version": SCHEMA_VERSION,
        "run_id": run_id,
        "mode": mode,
        "status": last.get("status", "running") if "event" in last else "running",
        "reason": last.get("reason"),
        "gates": [{"k": gate.k, "rate": gate.rate} for gate in goal.gates],
        "gate_met": gate_met(records, goal),
        "trials": {status: sum(r["status"] == status for r in trials) for status in {r["status"]: 0 for r in trials}},
        "trials_without_gain": trials_without_gain(records, goal),
        "best": _told(chosen) if chosen else None,
        "pareto_front": [_told(record) for record in pareto_front(records, goal)],
    }


def _told(record: Record) -> dict[str, Any]:
    return {key: record[key] for key in ("trial_id", "bundle", "parameters_total", "figures")}
