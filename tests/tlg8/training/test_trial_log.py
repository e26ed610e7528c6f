import pytest
from hypothesis import given
from hypothesis import strategies as st

from railyard.tlg8.training.objectives import Gate
from railyard.tlg8.training.trial_log import Goal, best, ending, pareto_front, summary, trials_without_gain

STRICT = Goal("hit@32", (Gate(32, 0.95),))
RANKING = Goal("hit@32", by_bits=True)


def trial(number, hit, parameters=1000, excess=None, status="complete"):
    """A made record."""
    figures = {"hit@32": hit, **({} if excess is None else {"excess@32": excess})}
    return {
        "trial_id": number,
        "status": status,
        "figures": None if status == "failed" else figures,
        "parameters_total": None if status == "failed" else parameters,
        "bundle": f"artifacts/trial_{number:04d}/init",
    }


def test_of_the_trials_that_reach_the_gate_the_smallest_is_best():
    records = [trial(0, 0.99, 5000), trial(1, 0.951, 900), trial(2, 0.94, 10), trial(3, 0.96, 900)]
    assert best(records, STRICT)["trial_id"] == 3


def test_until_one_reaches_the_gate_the_highest_rate_is_best():
    assert best([trial(0, 0.3, 10), trial(1, 0.5, 90), trial(2, 0.5, 80)], STRICT)["trial_id"] == 2
    assert best([trial(0, 0, status="failed")], STRICT) is None


def test_other_modes_choose_by_bits():
    records = [trial(0, 0.6, 100, 1.5), trial(1, 0.5, 500, 0.9), trial(2, 0.4, 400, 0.9)]
    assert best(records, RANKING)["trial_id"] == 2


@given(st.lists(st.tuples(st.integers(1, 6), st.integers(0, 6)), min_size=1, max_size=12))
def test_no_trial_of_the_pareto_front_is_beaten_and_all_others_are(pairs):
    records = [trial(n, 0.5, parameters, float(excess)) for n, (parameters, excess) in enumerate(pairs)]
    front = {record["trial_id"] for record in pareto_front(records, RANKING)}
    for n, own in enumerate(pairs):
        beaten = any(o != own and o[0] <= own[0] and o[1] <= own[1] for o in pairs)
        assert (n in front) == (not beaten)


def test_gains_below_a_tenth_of_a_point_do_not_count_and_add_up():
    rates = [0.5, 0.5004, 0.5008, 0.5012, 0.5012]
    assert [
        trials_without_gain([trial(n, r) for n, r in enumerate(rates[:count])], STRICT) for count in (1, 3, 4, 5)
    ] == [
        *(0, 2, 0, 1),
    ]


def test_ten_trials_without_gain_fail_a_search_whose_gate_is_not_met():
    records = [trial(0, 0.5), *(trial(n, 0.5005) for n in range(1, 10))]
    assert ending(records, STRICT, 100) is None
    records.append(trial(10, 0, status="failed"))
    assert ending(records, STRICT, 100)["status"] == "failed"
    reached = [trial(0, 0.96), *(trial(n, 0.9) for n in range(1, 11))]
    assert ending(reached, STRICT, 100)["status"] == "stopped"


def test_the_budget_of_trials_finishes_a_search():
    assert ending([trial(0, 0.5)], STRICT, 2) is None
    assert ending([trial(0, 0.5), trial(1, 0.6)], STRICT, 2)["status"] == "finished"


def test_the_summary_is_made_of_the_records_alone():
    records = [trial(0, 0.5, 10, status="over_budget"), trial(1, 0, status="failed"), trial(2, 0.6, 20)]
    told = summary(records, STRICT, "r", "strict")
    assert (told["status"], told["gate_met"], told["best"]["trial_id"]) == ("running", False, 2)
    assert told["trials"] == {"over_budget": 1, "failed": 1, "complete": 1}
    assert [each["trial_id"] for each in told["pareto_front"]] == [0, 2]
    ended = summary([*records, {"event": "end", "status": "failed", "reason": "why"}], STRICT, "r", "strict")
    assert (ended["status"], ended["reason"], ended["trials"]) == ("failed", "why", told["trials"])
    assert summary([], STRICT, "r", "strict")["best"] is None


@pytest.mark.parametrize("goal", [STRICT, RANKING])
def test_trials_without_known_bits_are_compared_by_hits(goal):
    assert best([trial(0, 0.3), trial(1, 0.4)], goal)["trial_id"] == 1
