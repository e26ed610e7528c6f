"""`-m`: jobs checked together, run one by one, failed ones kept and listed, and a sweep that goes on."""

import csv
import fcntl
import json
import shutil
from types import SimpleNamespace

import pytest
import yaml
from small_verb import app

from railyard.core import run as runs
from railyard.core.errors import RailyardError, UserError
from railyard.core.experiment import Evaluate
from railyard.core.sweeping import sweep
from railyard.core.targets import Fault


def table(folder):
    with (folder / "table.csv").open() as file:
        return list(csv.DictReader(file))


def outcome(folder, number):
    return json.loads((folder / str(number) / "outcome.json").read_text())


def test_every_job_is_one_call_with_its_words(sweep_of, only_sweep):
    seen = []
    depths = app(lambda job: seen.append((job.root.depth, job.root.word, job.command)) or {})
    code, out, _ = sweep_of(depths, "-m", "depth=1,2", "word=x")
    assert code == 0
    assert [(depth, word) for depth, word, _ in seen] == [(1, "x"), (2, "x")]
    assert seen[1][2] == ["railyard", "doctor", "word=x", "depth=2"]
    told = yaml.safe_load(out)
    assert told["sweep"] == str(only_sweep())
    assert (told["jobs"], told["complete"], told["failed"]) == (2, 2, 0)


def test_the_folder_holds_call_outcomes_and_tables(sweep_of, only_sweep):
    sweep_of(app(), "-m", "depth=1,2", "word='a|b'")
    folder = only_sweep()
    facts = json.loads((folder / "sweep.json").read_text())
    assert (facts["schema_version"], facts["verb"], facts["words"]) == (1, "doctor", ["depth=1,2", "word='a|b'"])
    assert facts["calls"][0]["command"][:3] == ["railyard", "doctor", "-m"]
    ended = outcome(folder, 1)
    assert ended["words"] == ["depth=2"]
    assert (ended["state"], ended["metrics"], ended["error"]) == ("complete", {"depth": 2.0}, None)
    assert [(row["number"], row["state"], row["overrides"], row["depth"]) for row in table(folder)] == [
        ("0", "complete", "depth=1", "1.0"),
        ("1", "complete", "depth=2", "2.0"),
    ]
    assert (folder / "table.md").read_text().splitlines()[3].startswith("| 1 | complete | depth=2 | 2 |")


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


def test_a_job_that_does_not_compose_is_listed_as_well(sweep_of, work):
    code, _, err = sweep_of(app(), "-m", "paths=default,nowhere")
    assert code == 2
    assert "1 of 2 jobs" in err
    assert " job 1 (paths=nowhere):\n  there is no 'paths/nowhere'" in err


def test_rules_are_asked_of_every_job(sweep_of, work):
    odd = app(rules=lambda root: [Fault(("depth",), "even depths only")] if root.depth % 2 else [])
    code, _, err = sweep_of(odd, "-m", "depth=range(0,4)")
    assert code == 2
    assert "2 of 4 jobs" in err
    assert "job 1 (depth=1):" in err
    assert "job 3 (depth=3):" in err


@pytest.mark.parametrize(
    ("raised", "sentence"),
    [
        (UserError("no pack there"), "no pack there"),
        (RailyardError("full disk"), "full disk"),
        (ZeroDivisionError("mine\nmore"), "ZeroDivisionError: mine"),
    ],
)
def test_a_failed_job_does_not_end_the_sweep(sweep_of, only_sweep, raised, sentence):
    def run(job):
        if job.root.depth == 1:
            raise raised
        return {"value": 3}

    code, out, err = sweep_of(app(run), "-m", "depth=0,1,2")
    assert code == 1
    told = yaml.safe_load(out)
    assert (told["complete"], told["failed"]) == (2, 1)
    assert err.splitlines()[-2:] == ["railyard doctor: 1 of 3 jobs failed", f"  job 1 (depth=1): {sentence}"]
    assert outcome(only_sweep(), 1)["error"] == sentence
    assert outcome(only_sweep(), 2)["metrics"] == {"value": 3}


def test_pruned_jobs_and_values_of_the_best_checkpoint(sweep_of, only_sweep):
    result = {"pruned": True, "metrics": {"loss": 2.0}, "best": {"metrics": {"loss": 1.0}}}
    code, out, _ = sweep_of(app(lambda job: result), "-m", "depth=0", "json=true")
    assert code == 0
    assert json.loads(out)["pruned"] == 1
    assert outcome(only_sweep(), 0)["best"] == {"loss": 1.0}


def folders_of(run=lambda job: {}):
    return app(run, root=Evaluate, FOLDER=True)


def test_a_job_of_a_verb_with_run_folders_has_an_ordinary_one(sweep_of, only_sweep):
    def run(job):
        (job.folder / "made").write_text(str(job.root.run))
        return {}

    assert sweep_of(folders_of(run), "-m", "run=x,y", verb="evaluate")[0] == 0
    folder = only_sweep() / "1"
    assert runs.read_config(folder)["run"] == "y"
    assert runs.read_config(folder)["paths"]["output_dir"] == str(folder)
    assert (folder / "made").read_text() == "y"
    assert yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text()) == ["++run=y"]


def interrupting(at, stop):
    """Stops at a depth the first time, and counts what ran."""
    ran = []

    def run(job):
        ran.append(job.root.depth)
        if ran == [*range(at + 1)]:
            raise stop
        return {"metrics": {"depth": float(job.root.depth)}}

    return app(run), ran


@pytest.mark.parametrize("stop", [KeyboardInterrupt(), runs.Stopped("SIGTERM after step 3")])
def test_an_interrupted_sweep_says_how_to_go_on_and_does(sweep_of, only_sweep, work, stop):
    verb, ran = interrupting(1, stop)
    code, out, err = sweep_of(verb, "-m", "depth=range(0,4)")
    folder = only_sweep()
    assert (code, out) == (130, "")
    last = err.splitlines()[-1]
    assert (
        last == f"railyard doctor: stopped; 1 jobs ended; go on with: railyard doctor resume={folder.relative_to(work)}"
    )
    assert [row["state"] for row in table(folder)] == ["complete", *["unfinished"] * 3]
    code, out, _ = sweep_of(verb, f"resume={folder.relative_to(work)}")
    assert code == 0
    assert ran == [0, 1, 1, 2, 3]
    assert [row["depth"] for row in table(folder)] == ["0.0", "1.0", "2.0", "3.0"]
    assert len(json.loads((folder / "sweep.json").read_text())["calls"]) == 2
    assert sweep_of(verb, f"resume={folder}")[0] == 0
    assert ran == [0, 1, 1, 2, 3]


def breaking(at):
    """A launcher that dies whenever it comes to a job, as one of the system's out-of-memory killer does."""

    def launch(hydra, worker, trials):
        for trial in trials:
            if trial.number == at:
                (worker.folder / str(at)).mkdir(exist_ok=True)
                raise RuntimeError("a worker was killed")
            worker(SimpleNamespace(trial=trial.number))

    return launch


def test_a_job_whose_process_dies_is_found_out_and_the_others_go_on(sweep_of, only_sweep, monkeypatch):
    monkeypatch.setattr(sweep.launchers, "launch", breaking(at=1))
    code, _, err = sweep_of(app(), "-m", "depth=range(0,4)")
    assert code == 1
    assert "a job's process died (a worker was killed); 1 jobs go on one by one" in err
    assert [row["state"] for row in table(only_sweep())] == ["complete", "failed", "complete", "complete"]
    assert outcome(only_sweep(), 1)["error"] == "a worker was killed"


def test_a_launcher_that_cannot_start_anything(sweep_of, only_sweep, monkeypatch):
    def launch(hydra, worker, trials):
        raise RuntimeError("there is no srun")

    monkeypatch.setattr(sweep.launchers, "launch", launch)
    code, _, err = sweep_of(app(), "-m", "depth=0,1")
    assert code == 1
    assert err.splitlines()[-1] == "railyard doctor: the launcher could not start a job: there is no srun"


def test_a_failed_job_runs_again_only_when_asked(sweep_of, only_sweep):
    ran = []

    def run(job):
        ran.append(job.root.depth)
        if len(ran) == 1:
            raise RailyardError("full disk")
        return {}

    assert sweep_of(app(run), "-m", "depth=0,1")[0] == 1
    assert sweep_of(app(run), f"resume={only_sweep()}")[0] == 1
    assert ran == [0, 1]
    assert sweep_of(app(run), f"resume={only_sweep()}", "hydra.sweeper.retry_failed=true")[0] == 0
    assert ran == [0, 1, 0]


@pytest.mark.parametrize(
    ("word", "part"),
    [
        ("depth=3", "may not change when a sweep goes on"),
        ("depth=3,4", "may not change"),
        ("hydra.sweeper.params={}", "may not change"),
        ("hydra.sweeper.retry_fail=true", "did you mean 'retry_failed'?"),
    ],
)
def test_little_may_change_when_a_sweep_goes_on(sweep_of, only_sweep, word, part):
    sweep_of(app(), "-m", "depth=0,1")
    code, _, err = sweep_of(app(), f"resume={only_sweep()}", word)
    assert code == 2
    assert part in err


def test_a_sweep_is_of_one_verb(sweep_of, only_sweep, tmp_path):
    sweep_of(app(), "-m", "depth=0,1")
    code, _, err = sweep_of(folders_of(), f"resume={only_sweep()}", verb="evaluate")
    assert code == 2
    assert "is a sweep of railyard doctor, not of railyard evaluate" in err


@pytest.mark.parametrize(
    ("damage", "part"),
    [(lambda file: file.write_text("{"), "not valid JSON"), (lambda file: file.write_text("{}"), "schema_version 1")],
)
def test_a_damaged_sweep_is_one_sentence(sweep_of, only_sweep, damage, part):
    sweep_of(app(), "-m", "depth=0,1")
    damage(only_sweep() / "sweep.json")
    code, _, err = sweep_of(app(), f"resume={only_sweep()}")
    assert code == 2
    assert part in err
    assert err.count("\n") == 1


def test_the_plan_lists_the_jobs_and_starts_none(sweep_of, work):
    class Root(app().ROOT):
        validate_config: bool = False

    code, out, err = sweep_of(app(root=Root), "-m", "depth=range(0,30)", "validate_config=true")
    assert (code, out) == (0, "")
    assert "grid of depth (30), by BasicLauncher" in err
    assert "job 19     depth=19\n  and 10 more\njob 0:\nrailyard doctor\n" in err
    assert list(work.iterdir()) == []


def test_the_config_of_the_first_job_is_printed(sweep_of, work):
    code, out, _ = sweep_of(app(), "-m", "depth=5,6", "--cfg", "job")
    assert code == 0
    assert yaml.safe_load(out)["depth"] == 5


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


def test_a_folder_may_be_named_once(sweep_of, work):
    assert sweep_of(app(), "-m", "depth=0,1", "hydra.sweep.dir=mine")[0] == 0
    assert (work / "mine" / "1" / "outcome.json").is_file()
    code, _, err = sweep_of(app(), "-m", "depth=0,1", "hydra.sweep.dir=mine")
    assert code == 2
    assert "exists already" in err


def test_a_name_that_is_taken_is_drawn_anew(sweep_of, work, monkeypatch):
    names = iter([work / "a", work / "b"])
    (work / "a").mkdir()
    monkeypatch.setattr(runs, "new_name", lambda parent: next(names))
    assert sweep_of(app(), "-m", "depth=0,1")[0] == 0
    assert (work / "b" / "table.md").is_file()
    assert not (work / "a" / "table.md").exists()


def test_a_sweep_that_runs_is_not_run_twice(sweep_of, only_sweep, monkeypatch):
    sweep_of(app(), "-m", "depth=0,1")
    monkeypatch.setattr(sweep, "PATIENCE", 0.1)
    folder = only_sweep()
    shutil.rmtree(folder / "1")
    with (folder / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        code, _, err = sweep_of(app(), f"resume={folder}")
    assert code == 2
    assert "is being written by another process" in err
    assert not (folder / "1").exists()


@pytest.mark.parametrize(
    ("words", "meant"), [(["-m"], True), (["a=1", "--multirun"], True), (["a=1"], False), (["resume=nowhere"], False)]
)
def test_what_a_sweep_is(words, meant, work):
    assert sweep.is_meant(words) is meant


def test_values_that_are_taken_as_typed_are_quoted_once(sweep_of):
    seen = []
    verbatim = app(lambda job: seen.append((job.root.word, job.root.depth)) or {}, VERBATIM=("word",))
    code, _, err = sweep_of(verbatim, "-m", "word=a,b'c", "depth=1,2")
    assert code == 0, err
    assert seen == [("a,b'c", 1), ("a,b'c", 2)]
