"""`-m`: each job one call in a folder of its own; what may change when a sweep goes on; folders claimed once."""

import csv
import fcntl
import json
import shutil

import pytest
import yaml
from small_verb import Root, app

from railyard.apps.evaluate import Evaluate
from railyard.apps.train import Train
from railyard.core.runs.folder import read_config
from railyard.core.verbs import sweep
from railyard.core.verbs.jobs import Jobs


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


def folders_of(run=lambda job: {}):
    return app(run, root=Evaluate, has_folder=True, plan=lambda job: "plan")


def test_a_job_of_a_verb_with_run_folders_has_an_ordinary_one(sweep_of, only_sweep):
    def run(job):
        (job.folder / "made").write_text(str(job.root.run))
        return {}

    assert sweep_of(folders_of(run), "-m", "run=x,y", verb="evaluate")[0] == 0
    folder = only_sweep() / "1"
    assert read_config(folder)["run"] == "y"
    assert read_config(folder)["paths"]["output_dir"] == str(folder)
    assert (folder / "made").read_text() == "y"
    assert yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text()) == ["++run=y"]


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


def test_where_jobs_write_is_said_again_when_a_sweep_goes_on(sweep_of, only_sweep):
    """sweep.json may be somebody else's."""
    writing = app(root=type("Writing", (Root,), {"__annotations__": {"out": str | None}, "out": None}))
    sweep_of(writing, "-m", "depth=0,1", "out=elsewhere")
    code, _, err = sweep_of(writing, f"resume={only_sweep()}")
    assert code == 2
    assert f"out=elsewhere of {only_sweep()} lies outside the run folder" in err
    assert sweep_of(writing, f"resume={only_sweep()}", "out=elsewhere")[0] == 0
    assert "may not change" in sweep_of(writing, f"resume={only_sweep()}", "out=there")[2]


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


def test_the_config_of_the_first_job_is_printed(sweep_of, work):
    code, out, _ = sweep_of(app(), "-m", "depth=5,6", "--cfg", "job")
    assert code == 0
    assert yaml.safe_load(out)["depth"] == 5


def test_a_folder_may_be_named_once(sweep_of, work):
    assert sweep_of(app(), "-m", "depth=0,1", "hydra.sweep.dir=mine")[0] == 0
    assert (work / "mine" / "1" / "outcome.json").is_file()
    code, _, err = sweep_of(app(), "-m", "depth=0,1", "hydra.sweep.dir=mine")
    assert code == 2
    assert "exists already" in err


@pytest.mark.parametrize("word", ['hydra.sweep.dir="my ${hydra:job.name}"', "experiment=mine", "paths=mine"])
def test_a_named_folder_is_resolved_once(sweep_of, work, word):
    for group in ("experiment", "paths"):
        (work / "conf" / group).mkdir(parents=True)
    text = "# @package _global_\nhydra: {sweep: {dir: 'my ${hydra:job.name}'}}\n"
    (work / "conf" / "experiment" / "mine.yaml").write_text(text)
    (work / "conf" / "paths" / "mine.yaml").write_text(f"{text}paths: {{root_dir: .}}\n")
    verb = "train" if word.startswith("experiment") else "doctor"
    if verb == "train":
        assert Jobs(verb, app(), [word, "seed=0,1"]).master.sweep_dir == work / "my train"
        return
    assert sweep_of(app(), "-m", "depth=0,1", word, verb=verb)[0] == 0
    assert (work / "my doctor" / "1" / "outcome.json").is_file()


def test_a_name_that_is_taken_is_drawn_anew(sweep_of, work, monkeypatch):
    names = iter([work / "a", work / "b"])
    (work / "a").mkdir()
    monkeypatch.setattr("railyard.core.verbs.launch.new_name", lambda parent: next(names))
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
    verbatim = app(lambda job: seen.append((job.root.word, job.root.depth)) or {}, verbatim=("word",))
    code, _, err = sweep_of(verbatim, "-m", "word=a,b'c", "depth=1,2")
    assert code == 0, err
    assert seen == [("a,b'c", 1), ("a,b'c", 2)]


def test_a_job_that_was_interrupted_goes_on_and_does_not_begin_anew(sweep_of, only_sweep, tiny_pack, tiny_tokenizer):
    seen = []

    def run(job):
        seen.append((job.root.seed, job.resumed, job.folder))
        if len(seen) == 1:
            raise KeyboardInterrupt
        return {}

    verb, data = app(run, root=Train), (f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}")
    assert sweep_of(verb, "-m", *data, "seed=range(2,3)", verb="train")[0] == 130
    folder = only_sweep()
    assert sweep_of(verb, f"resume={folder}", verb="train")[0] == 0
    assert seen == [(2, False, folder / "0"), (2, True, folder / "0")]
