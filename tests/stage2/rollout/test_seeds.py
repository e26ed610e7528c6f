import pytest
from stage2_fixtures import fixture

from railyard.stage2.rollout.seeds import rollout_seed

CASES = fixture("18")


@pytest.mark.parametrize("case", CASES["cases"], ids=lambda case: str(case["step"]))
def test_the_first_sample_has_the_seed_of_the_cases(case):
    assert rollout_seed(CASES["seed"], case["step"], 0) == case["seed_base"]


def test_samples_and_steps_have_seeds_of_their_own():
    seeds = [rollout_seed(17, step, index) for step in range(200) for index in range(64)]
    assert len(set(seeds)) == len(seeds)
    assert all(0 <= seed < 2**31 for seed in (*seeds, rollout_seed(2**40, 10**9, 10**6)))
    assert rollout_seed(3, 2, 1) == 3 + 2 * 1000003 + 1
