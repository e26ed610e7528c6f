"""Ask and tell against a formula: no trial lost, repeated or changed by a kill; failures, several objectives, knobs."""

import os
import sqlite3
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import pytest
import small_verb
import yaml

import railyard as package
from railyard.core.config.check import check_part
from railyard.core.config.compose import Composition
from railyard.core.errors import RailyardError, UserError
from railyard.core.sweeping.config import chosen_sweeper
from railyard.core.sweeping.optuna_search import Optuna
from railyard.core.sweeping.pruners import Median
from railyard.core.sweeping.trial import Outcome

optuna = pytest.importorskip("optuna")
SPACE = ("lr=tag(log, interval(1e-4, 1e-1))", "width=range(16, 65, step=16)", "kind=choice(a,b)")


def value(trial):
    """A loss that is least at lr 0.01, width 48, kind a."""
    given = dict(word.split("=") for word in trial.overrides)
    return (float(given["lr"]) - 0.01) ** 2 * 1e4 + (int(given["width"]) / 16 - 3) ** 2 + (given["kind"] == "b")


def outcome(trial):
    return Outcome(trial.number, "complete", {"val/loss": value(trial)})


def opened(folder, space=SPACE, metric="val/loss", **knobs):
    folder.mkdir(exist_ok=True)
    sweeper = Optuna(**{"n_trials": 16, **knobs})
    return sweeper.build(space, folder, sweeper.optimized(metric, {}))


def run(search, finish=outcome):
    """All trials of a search, finished as they come."""
    done = []
    while batch := search.ask():
        for trial in batch:
            done.append(trial)
            search.tell(finish(trial))
    return done


def study_of(folder):
    return optuna.load_study(study_name=None, storage=f"sqlite:///{folder}/study.db")


@pytest.mark.slow
def test_it_asks_for_n_trials_within_the_space_and_learns(tmp_path):
    done = run(opened(tmp_path, n_trials=24, n_startup_trials=6))
    assert [trial.number for trial in done] == list(range(24))
    for trial in done:
        lr, width, kind = (word.split("=")[1] for word in trial.overrides)
        assert 1e-4 <= float(lr) <= 1e-1
        assert int(width) in (16, 32, 48, 64)
        assert kind in "ab"
    first, last = ([value(t) for t in part] for part in (done[:6], done[-6:]))
    assert sum(last) < sum(first) / 2


@pytest.mark.slow
@pytest.mark.parametrize(("n_jobs", "sampler"), [(1, "tpe"), (3, "tpe"), (1, "random")])
def test_killed_at_any_point_it_asks_for_the_same_trials(tmp_path, n_jobs, sampler):
    knobs = {"n_jobs": n_jobs, "sampler": sampler, "n_startup_trials": 2, "n_trials": 5}
    whole = run(opened(tmp_path / "whole", **knobs))
    told = set()
    for kill in range(100):
        search = opened(tmp_path / "killed", **knobs)
        asked = search.ask()
        assert asked == whole[: len(asked)]
        waiting = [trial for trial in asked if trial.number not in told] or search.ask()
        if not waiting:
            break
        last = waiting[kill % len(waiting)]
        search.tell(outcome(last))  # and killed before the others end
        told.add(last.number)
    assert asked == whole


def test_a_batch_cut_short_while_it_was_asked_for_is_filled_up(tmp_path):
    whole = opened(tmp_path / "whole", n_jobs=4)
    opened(tmp_path / "cut", n_jobs=2).ask()
    assert opened(tmp_path / "cut", n_jobs=4).ask() == whole.ask()


def test_other_seeds_ask_for_other_trials(tmp_path):
    assert opened(tmp_path / "a", seed=1).ask()[0].overrides != opened(tmp_path / "b", seed=2).ask()[0].overrides


def test_fixed_words_come_with_every_trial(tmp_path):
    search = opened(tmp_path, (*SPACE, "trainer.max_epochs=3"))
    assert search.ask()[0].overrides[0] == "trainer.max_epochs=3"


def test_told_twice_is_told_once(tmp_path):
    search = opened(tmp_path)
    trial = search.ask()[0]
    search.tell(outcome(trial))
    search.tell(Outcome(trial.number, "failed", error="late"))
    assert study_of(tmp_path).trials[0].value == value(trial)


def test_failed_pruned_and_diverged_trials_are_kept_with_their_reasons(tmp_path):
    ends = {
        0: Outcome(0, "failed", error="the device's memory is full"),
        1: Outcome(1, "pruned", {"val/loss": 9.0}),
        2: Outcome(2, "complete", {"val/loss": float("nan")}),
        3: Outcome(3, "failed", error="always"),
    }
    done = run(opened(tmp_path, n_trials=6), lambda trial: ends.get(trial.number) or outcome(trial))
    trials = study_of(tmp_path).trials
    assert len(done) == 6
    assert [trial.state.name for trial in trials] == ["FAIL", "PRUNED", "FAIL", "FAIL", "COMPLETE", "COMPLETE"]
    assert [trials[n].user_attrs["error"].partition(":")[0] for n in (0, 2)] == [
        "the device's memory is full",
        "diverged",
    ]


@pytest.mark.slow
def test_when_too_many_fail_no_more_are_asked_for(tmp_path, capsys):
    def broken(trial):
        return Outcome(trial.number, "failed", error="always")

    done = run(opened(tmp_path, n_trials=4), broken)
    assert len(done) == 3
    assert "3 of 3 trials failed, more than half of n_trials=4" in capsys.readouterr().err


def test_a_metric_that_no_run_logs_ends_the_search(tmp_path):
    search = opened(tmp_path, n_trials=8)
    (trial,) = search.ask()
    reason = "there is no metric 'val/loss' (optimized_metric); this run logged val/los"
    with pytest.raises(RailyardError, match=r"no metric 'val/loss' .*; this run logged val/los.*ended") as fault:
        search.tell(Outcome(trial.number, "failed", {"val/los": 1.0}, error=reason, unmeasured=True))
    assert fault.value.exit_code == 1
    assert [trial.state.name for trial in study_of(tmp_path).trials] == ["FAIL"]


@pytest.mark.slow
def test_no_trial_is_run_twice_and_a_used_up_space_ends_the_search(tmp_path, capsys):
    done = run(
        opened(tmp_path, ("kind=choice(a,b)", "width=range(3)", "one=choice(7)"), n_startup_trials=2),
        lambda t: Outcome(t.number, "complete", {"val/loss": 1.0 + t.number}),
    )
    assert len({trial.overrides for trial in done}) == len(done) == 6
    assert "the search ends here" in capsys.readouterr().err


def test_several_objectives(tmp_path):
    def both(trial):
        return Outcome(trial.number, "complete", {"val/loss": value(trial), "size": float(trial.number)})

    run(opened(tmp_path, metric=["val/loss", "size"], direction=["minimize", "maximize"], n_trials=12), both)
    trials = study_of(tmp_path).trials
    assert all(len(trial.values) == 2 for trial in trials)
    assert 11 in [trial.number for trial in study_of(tmp_path).best_trials]


def test_an_older_study_goes_on(tmp_path):
    run(opened(tmp_path / "old", n_trials=4))
    url = f"sqlite:///{tmp_path}/old/study.db"
    for _ in range(2):  # opened again it knows which trials are its own
        done = run(opened(tmp_path / "new", n_trials=3, storage=url))
        assert [trial.number for trial in done] == [4, 5, 6]
    assert not (tmp_path / "new" / "study.db").exists()


@pytest.mark.slow
def test_more_trials_on_resume(tmp_path):
    whole = run(opened(tmp_path / "whole", n_trials=4))
    run(opened(tmp_path / "short", n_trials=2))
    assert run(opened(tmp_path / "short", n_trials=4)) == whole


def test_a_trial_carries_what_it_needs_to_be_pruned(tmp_path):
    rule = Median(n_warmup_steps=3)
    trial = opened(tmp_path, pruner=rule).ask()[0]
    assert (trial.pruning.trial, trial.pruning.metric, trial.pruning.rule) == (0, "val/loss", rule)
    assert sqlite3.connect(trial.pruning.storage.removeprefix("sqlite:///")).execute("select 1")


def refusal(tmp_path, *args, **knobs):
    with pytest.raises(UserError) as fault:
        opened(tmp_path, *args, **knobs)
    return str(fault.value)


def test_what_does_not_go_together_is_one_sentence(tmp_path):
    opened(tmp_path).ask()
    assert "made to minimize val/loss, not to minimize val/other" in refusal(tmp_path, metric="val/other")
    assert "made to minimize, not to maximize val/loss" in refusal(tmp_path, direction="maximize")
    assert "only bounds may change" in refusal(tmp_path, ("kind=choice(a,b,c)",))
    assert "needs to know what is optimised" in refusal(tmp_path, metric=None)
    assert "compares one metric" in refusal(tmp_path, metric=["a", "b"], pruner=Median())
    assert "cannot be opened as a study" in refusal(tmp_path, storage="sqlite:////nowhere/at/all.db")
    assert "nothing is varied" in refusal(tmp_path, ("a=1",))
    assert refusal(tmp_path, ("lr=interval(2,1)",)).startswith("lr: interval(2,1) is no search space: ")


def test_of_several_studies_one_is_named(tmp_path):
    for name in ("a", "b"):
        opened(tmp_path, study_name=name)
    assert "holds the studies a, b" in refusal(tmp_path)


def test_other_bounds_may_go_on(tmp_path):
    opened(tmp_path, ("lr=interval(0, 1)",)).ask()
    assert opened(tmp_path, ("lr=interval(0, 2)",)).ask()


@pytest.mark.parametrize(
    ("knobs", "reason"),
    [
        ({"storage": "old.db"}, "storage is a URL such as sqlite:///old.db, got old.db"),
        ({"retry_failed": True}, "a study keeps its failed trials"),
        ({"direction": ["minimize", "minimize"], "pruner": {"_target_": f"{Median.__module__}.Median"}}, "one metric"),
        ({"sampler": "tep"}, "did you mean 'tpe'?"),
    ],
)
def test_knobs_that_cannot_be_are_one_sentence(knobs, reason):
    target = {"_target_": "railyard.core.sweeping.optuna_search.Optuna"}
    _, faults = check_part({**target, **knobs}, [], "hydra.sweeper")
    assert len(faults) == 1
    assert reason in faults[0].message


def test_the_jobs_checked_first_reach_every_bound_and_choice():
    previewed = Optuna().preview(("a=1", "lr=interval(0.5, 2)", "w=int(interval(1, 4))", "kind=choice(a,b,c)"))
    assert previewed == [
        ("a=1", "lr=0.5", "w=1", "kind=a"),
        ("a=1", "lr=2.0", "w=4", "kind=b"),
        ("a=1", "lr=0.5", "w=1", "kind=c"),
    ]


def test_the_plan_says_how_trials_are_found():
    assert Optuna(n_jobs=2).describe(SPACE) == (
        "up to 20 trials, 2 at a time by Optuna's tpe sampler over lr, width, kind"
    )


def test_a_pruner_is_chosen_as_an_option(work):
    hydra = Composition("train", ["hydra/sweeper=optuna", "hydra/sweeper/pruner=median"]).config.hydra
    tree, faults = chosen_sweeper(hydra)
    assert not faults
    assert isinstance(tree.pruner, Median)


def test_a_check_does_not_import_optuna(work):
    code = """
        import sys
        from railyard.core.sweeping.config import chosen_sweeper
        from railyard.core.config.compose import Composition
        hydra = Composition("train", ["hydra/sweeper=optuna", "hydra/sweeper/pruner=median"]).config.hydra
        tree, faults = chosen_sweeper(hydra)
        assert tree.preview(("lr=tag(log, interval(1e-4, 1e-2))",)) == [("lr=0.0001",), ("lr=0.01",)]
        assert not {"optuna", "sqlalchemy", "torch"} & set(sys.modules)
    """
    done = subprocess.run([sys.executable, "-c", textwrap.dedent(code)], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0, done.stderr


class Root(small_verb.Root):
    optimized_metric: str = "loss"


WORDS = (
    "-m",
    "hydra/sweeper=optuna",
    "depth=range(0,30)",
    "hydra.sweeper.n_trials=5",
    "hydra.sweeper.n_startup_trials=2",
)


def verb(jobs, stop_at=None, fail_at=None):
    """Its loss is least at depth 7; `jobs` gets the depth of each job that was started."""

    def run(job):
        jobs.append(job.root.depth)
        if len(jobs) == stop_at:
            raise KeyboardInterrupt
        if len(jobs) == fail_at:
            raise RailyardError("a full disk")
        return {"metrics": {"loss": float(abs(job.root.depth - 7))}}

    return small_verb.app(run, root=Root)


@pytest.mark.slow
def test_a_sweep_by_the_command_line_is_interrupted_and_goes_on(sweep_of, work):
    whole, cut = [], []
    assert sweep_of(verb(whole), *WORDS, "hydra.sweep.dir=whole")[0] == 0
    assert sweep_of(verb(cut, stop_at=3), *WORDS, "hydra.sweep.dir=cut")[0] == 130
    code, out, err = sweep_of(verb(cut), "resume=cut")
    assert code == 0, err
    assert cut == [*whole[:3], *whole[2:]]  # the third was started twice
    told = yaml.safe_load(out)
    assert (told["jobs"], told["best"]["loss"]) == (5, min(abs(depth - 7) for depth in whole))
    assert [trial.state.name for trial in study_of(work / "cut").trials] == ["COMPLETE"] * 5
    assert "5 trials: 5 complete" in (work / "cut" / "report.md").read_text()


@pytest.mark.slow
def test_more_trials_are_made_on_resume_and_a_failed_one_is_kept(sweep_of, work):
    jobs = []
    code, _, err = sweep_of(verb(jobs, fail_at=2), *WORDS, "hydra.sweeper.n_trials=3", "hydra.sweep.dir=a")
    assert code == 1
    assert "a full disk" in err
    assert sweep_of(verb(jobs), "resume=a", "hydra.sweeper.n_trials=4")[0] == 1  # the failed one is still listed
    assert len(jobs) == 4
    assert [trial.state.name for trial in study_of(work / "a").trials] == ["COMPLETE", "FAIL", "COMPLETE", "COMPLETE"]


def test_a_bad_space_is_one_sentence_before_anything_starts(sweep_of, work):
    code, out, err = sweep_of(verb([]), "-m", "hydra/sweeper=optuna", "depth=interval(9, 1)")
    assert (code, out) == (2, "")
    assert "depth: interval(9, 1) is no search space: an interval goes from a smaller to a larger number" in err
    assert list(work.iterdir()) == []


def test_an_objective_too_few_is_told_before_anything_starts(sweep_of, work):
    code, _, err = sweep_of(verb([]), *WORDS, "hydra.sweeper.direction=[minimize,maximize]")
    assert code == 2
    assert "hydra.sweeper.direction has 2 entries and optimized_metric 1 (loss)" in err
    assert list(work.iterdir()) == []


@pytest.mark.slow
def test_a_study_of_real_trials_killed_and_resumed(work, tiny_pack, tiny_tokenizer):
    given = [f"data.pack={tiny_pack}", f"data.tokenizer={tiny_tokenizer}", "data.batch_size=64", "trainer.max_steps=12"]
    small = ["model.encoder.num_hidden_layers=1", "trainer.val_check_interval=4", "callbacks.saver.every_n_steps=4"]
    search = ["hydra/sweeper=optuna", "hydra.sweeper.n_trials=4", "hydra.sweeper.n_startup_trials=2"]
    pruned = ["hydra/sweeper/pruner=median", "hydra.sweeper.pruner.n_startup_trials=2"]
    space = ["model.optimizer.lr=tag(log, interval(1e-5, 1e-1))", "model.encoder.hidden_size=choice(16,32)"]
    words = ["train", "-m", "experiment=board/quickstart", *given, *small, *search, *pruned, *space]

    def started(*words):
        environment = {**os.environ, "PYTHONPATH": str(Path(package.__file__).parents[1])}
        return subprocess.Popen(
            [sys.executable, "-m", "railyard.cli", *words], cwd=work, env=environment, stderr=subprocess.DEVNULL
        )

    whole = started(*words, "hydra.sweep.dir=whole")
    assert whole.wait(600) == 0
    killed = started(*words, "hydra.sweep.dir=killed")
    checkpoint = work / "killed" / "1" / "checkpoints" / "manifest.json"
    while not checkpoint.exists():
        assert killed.poll() is None
        time.sleep(0.05)
    killed.kill()
    killed.wait()
    assert started("train", "resume=killed").wait(600) == 0
    one, other = (study_of(work / name).trials for name in ("whole", "killed"))
    assert len(one) == 4
    assert [trial.params for trial in one] == [trial.params for trial in other]
    assert [trial.values for trial in one] == [trial.values for trial in other]
    assert [trial.state for trial in one] == [trial.state for trial in other]
    assert [trial.intermediate_values for trial in one] == [trial.intermediate_values for trial in other]
