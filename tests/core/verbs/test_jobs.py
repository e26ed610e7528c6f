"""All jobs of a sweep are composed, checked and listed before anything is made."""

import pytest
import small_verb
from small_verb import app

from railyard.core.config.faults import Fault, FaultyConfig


def test_all_jobs_are_checked_before_the_first_starts(sweep_of, work):
    def run(job):
        raise AssertionError

    code, out, err = sweep_of(app(run), "-m", "depth=1,-1,2", "typo=1,2")
    assert (code, out) == (2, "")
    assert "6 of 6 jobs cannot run; nothing was started" in err
    assert " job 0 (depth=1 typo=1) and 1 more:" in err
    assert "typo: unknown key (value 2)" in err
    assert "depth: must be greater than or equal to 0, got -1  [command line: depth=-1]" in err
    assert list(work.iterdir()) == []


def test_folders_of_jobs_are_numbered(sweep_of, work):
    code, _, err = sweep_of(app(), "-m", "depth=1,2", "hydra.sweep.subdir=${hydra.job.override_dirname}")
    assert code == 2
    assert "hydra.sweep.subdir: jobs lie in numbered folders, by which a sweep goes on: hydra.sweep.dir=FOLDER" in err
    assert list(work.iterdir()) == []


def test_a_sweep_over_nothing_says_so(sweep_of, work):
    code, _, err = sweep_of(app(), "-m")
    assert code == 0, err
    assert "jobs       one, since nothing is varied; key=a,b varies a key" in err


@pytest.mark.parametrize("name", ["${now:%Y} my sweeps", "ä (1)"])
def test_a_sweep_has_one_folder_where_it_was_told(sweep_of, work, name):
    code, _, err = sweep_of(app(), "-m", "depth=1,2", f"hydra.sweep.dir={name}")
    assert code == 0, err
    (folder,) = [path for path in work.iterdir() if path.name != "outputs"]
    assert {path.name for path in folder.iterdir() if path.is_dir()} >= {"0", "1"}
    assert not (work / "outputs").exists()


def test_a_job_that_does_not_compose_is_listed_as_well(sweep_of, work):
    code, _, err = sweep_of(app(), "-m", "paths=default,nowhere")
    assert code == 2
    assert "1 of 2 jobs" in err
    assert " job 1 (paths=nowhere):\n  there is no 'paths/nowhere'" in err


def test_rules_are_asked_of_every_job(sweep_of, work):
    odd = app(rules=lambda job: [Fault(("depth",), "even depths only")] if job.root.depth % 2 else [])
    code, _, err = sweep_of(odd, "-m", "depth=range(0,4)")
    assert code == 2
    assert "2 of 4 jobs" in err
    assert "job 1 (depth=1):" in err
    assert "job 3 (depth=3):" in err


def test_the_plan_of_every_job_is_opened_before_the_first_starts(sweep_of, work):
    class Root(small_verb.Root):
        def plan(self, job):
            if self.depth == 1:
                raise FaultyConfig(Fault(("depth",), "no pack of that depth"))
            return f"depth {self.depth}"

    def run(job):
        raise AssertionError

    code, _, err = sweep_of(app(run, root=Root), "-m", "depth=0,1")
    assert code == 2
    assert " job 1 (depth=1):\n  depth: no pack of that depth  [command line: depth=1]" in err
    assert "nothing was started" in err
    assert list(work.iterdir()) == []


def test_the_plan_lists_the_jobs_and_starts_none(sweep_of, work):
    class Root(small_verb.Root):
        validate_config: bool = False

    code, out, err = sweep_of(app(root=Root), "-m", "depth=range(0,30)", "validate_config=true")
    assert (code, out) == (0, "")
    assert "grid of depth (30), by BasicLauncher" in err
    assert "job 19     depth=19\n  and 10 more\njob 0:\nrailyard doctor\n" in err
    assert list(work.iterdir()) == []


@pytest.mark.parametrize(
    ("words", "part"),
    [
        (["hydra.sweeper.max_batch=3"], "did you mean 'max_batch_size'?"),
        (["hydra.launcher.n_jobs=3"], "this launcher has none"),
        (["hydra.run.dir=x"], "hydra.sweep.dir=FOLDER names that"),
        (["resume=a,b"], "resume= takes one run without -m"),
        (["depth=interval(0,1)"], "an interval has none"),
        (["hydra/launcher=nothing"], "there is no 'hydra/launcher/nothing'"),
    ],
)
def test_mistakes_in_the_sweep_itself(sweep_of, work, words, part):
    code, out, err = sweep_of(app(), "-m", *words)
    assert (code, out) == (2, "")
    assert part in err
    assert list(work.iterdir()) == []
