"""From words to an exit code: options, plans, results, folders, resume, and what a failing verb leaves behind."""

import json

import pytest
import small_verb
import yaml

from railyard.apps.evaluate import Evaluate
from railyard.apps.show import Show
from railyard.core.config.faults import Fault
from railyard.core.errors import Negative, RailyardError, UserError
from railyard.core.runs import run_state
from railyard.core.runs.folder import read_config
from railyard.core.runs.signals import Stopped
from railyard.core.store.lock import _held
from railyard.core.verbs import launch


def app(run=lambda job: {"ok": True}, **more):
    return small_verb.app(run, **more)


@pytest.fixture
def start(railyard, capsys):
    """`start(app, *words, verb=)` as the command line does it; the `railyard` fixture restores logging."""

    def run(app, *words, verb="doctor"):
        capsys.readouterr()
        code = launch.guarded(verb, lambda: launch.call(verb, app, [*words]))
        return code, *capsys.readouterr()

    return run


def test_what_no_other_key_could_mend_is_told_alone(start):
    seen = []

    def first(config, faults):
        seen.append((config["depth"], faults))
        return [Fault(("depth",), "there is no sea here")] if config["depth"] else []

    code, _, err = start(app(first=first), "depth=3", "typo=1")
    assert code == 2
    assert "one fault" in err
    assert "depth: there is no sea here  [command line: depth=3]" in err
    assert "typo: unknown key" in start(app(first=first), "depth=0", "typo=1")[2]
    assert seen == [(3, []), (0, [])]


def test_a_result_goes_to_standard_output_and_the_plan_to_standard_error(start):
    code, out, err = start(app(lambda job: {"depth": job.root.depth}), "depth=3")
    assert (code, yaml.safe_load(out)) == (0, {"depth": 3})
    assert "  depth: 3" in err


def test_json_is_the_last_line_and_has_no_nan(start):
    result = {"a": float("nan"), "b": [float("inf"), 1.5], "c": {"path": "x"}}
    code, out, _ = start(app(lambda job: result), "json=true")
    assert code == 0
    assert json.loads(out.splitlines()[-1]) == {"a": None, "b": [None, 1.5], "c": {"path": "x"}}


def test_results_keep_their_letters_but_where_the_terminal_has_none(start, monkeypatch):
    told = app(lambda job: {"path": "hübsch/猫", "odd": "\udcff"[: len(job.root.word)]})
    assert '"hübsch/猫"' in start(told, "json=true")[1]
    assert "path: hübsch/猫" in start(told)[1]
    assert r'"h\u00fcbsch/\u732b"' in start(told, "json=true", "word=x")[1]  # half of a character cannot be written


def test_a_verb_may_say_its_result_in_lines_of_its_own(start):
    told = app(lambda job: {"depth": 3}, text=lambda result: f"depth {result['depth']}\n")
    assert start(told)[1] == "depth 3\n"
    assert json.loads(start(told, "json=true")[1]) == {"depth": 3}


def test_an_answer_of_no_is_a_result_with_exit_code_1(start):
    def no(job):
        raise Negative("they differ", {"identical": False})

    code, out, err = start(app(no), "json=true")
    assert (code, json.loads(out)) == (1, {"identical": False})
    assert err.endswith("railyard doctor: they differ\n")


def test_verbatim_keys_are_taken_as_typed(start):
    found = []
    asking = app(lambda job: found.append(job.root.path) or {}, root=Show, verbatim=("path",))
    assert start(asking, "path=a<b, c='d'", verb="show")[0] == 0
    assert str(found[0]) == "a<b, c='d'"


def test_the_composed_config_is_printed_and_nothing_runs(start):
    def run(job):
        raise AssertionError

    code, out, _ = start(app(run), "--cfg", "job", "depth=4")
    assert code == 0
    assert yaml.safe_load(out)["depth"] == 4


def test_faults_of_all_kinds_stand_together(start):
    code, out, err = start(app(), "depth=-1", "typo=1", "allow=['${nope}']", "hydra.job.chdir=true")
    assert (code, out) == (2, "")
    assert "4 faults; nothing was started" in err
    for key in ("depth:", "typo:", "allow.0:", "hydra.job.chdir:"):
        assert f"\n  {key}" in err


def test_rules_are_asked_when_the_tree_stands(start):
    from railyard.core.config.faults import Fault

    code, _, err = start(app(rules=lambda job: [Fault(("depth",), "odd depths only")]), "depth=2")
    assert code == 2
    assert "depth: odd depths only  [command line: depth=2]" in err


@pytest.mark.parametrize(
    ("raised", "code", "text"),
    [
        (UserError("your mistake"), 2, "your mistake"),
        (RailyardError("full disk"), 1, "full disk"),
        (KeyboardInterrupt(), 130, "interrupted"),
        (Stopped("saved at step 3"), 130, "stopped; saved at step 3"),
        (PermissionError(13, "Permission denied", "/etc/x"), 2, "/etc/x: Permission denied"),
        (FileExistsError(17, "File exists", "out"), 2, "out: File exists"),
        (OSError(30, "Read-only file system", "out"), 2, "out: Read-only file system"),
        (IsADirectoryError(21, "Is a directory", "out"), 2, "out: Is a directory"),
    ],
)
def test_what_goes_wrong_is_one_line_and_a_code(start, raised, code, text):
    def run(job):
        raise raised

    got, out, err = start(app(run))
    assert (got, out) == (code, "")
    assert err.splitlines()[-1] == f"railyard doctor: {text}"
    assert "Traceback" not in err


def test_a_defect_keeps_its_traceback(start):
    def run(job):
        raise ZeroDivisionError("mine")

    with pytest.raises(ZeroDivisionError, match="mine"):
        start(app(run))


def test_an_error_that_no_other_path_mends_keeps_its_traceback(start):
    def run(job):
        raise OSError(5, "Input/output error", "out")

    with pytest.raises(OSError, match="Input/output"):
        start(app(run))


def folder_app(run=lambda job: {}):
    return app(run, root=Evaluate, has_folder=True, plan=lambda job: "plan")


WORDS = ("run=x",)


def only_folder(work):
    (found,) = (work / "outputs" / "evaluate" / "none").iterdir()
    return found


def test_a_run_folder_holds_config_call_and_log(start, work):
    def run(job):
        launch.log.info("hello")
        raise UserError("no pack there")

    code, _, err = start(folder_app(run), *WORDS, verb="evaluate")
    folder = only_folder(work)
    assert code == 2
    assert read_config(folder)["run"] == "x"
    assert read_config(folder)["paths"]["output_dir"] == str(folder)
    assert yaml.safe_load((folder / ".hydra" / "overrides.yaml").read_text()) == ["++run=x"]
    log = (folder / "log.txt").read_text()
    assert "INFO railyard.core.verbs.launch: hello" in log
    assert "ERROR railyard.core.verbs.launch: no pack there" in log
    assert err.count("no pack there") == 1


def test_a_run_folder_says_how_its_run_ended(start, work):
    def run(job):
        seen.append(run_state.read(job.folder)["state"])
        if job.root.data:
            raise UserError("too few rows")
        return {"loss": 0.5}

    seen = []
    told = app(run, root=Evaluate, has_folder=True, plan=lambda job: "plan", label=lambda config: "x")
    start(told, "run=somewhere", verb="evaluate")
    start(told, "run=somewhere", "data.rows=1", verb="evaluate")
    ends = [run_state.read(folder) for folder in sorted((work / "outputs" / "evaluate" / "x").iterdir())]
    assert seen == ["running", "running"]
    assert sorted((end["state"], end["message"], end["metrics"]) for end in ends) == [
        ("failed", "too few rows", {}),
        ("finished", "", {"loss": 0.5}),
    ]


def test_a_config_with_faults_leaves_no_folder(start, work):
    assert start(folder_app(), "split=al", verb="evaluate")[0] == 2
    assert not (work / "outputs").exists()


def test_a_name_that_is_taken_is_drawn_anew(start, work, monkeypatch):
    names = iter([work / "a", work / "a", work / "b"])
    (work / "a").mkdir()
    monkeypatch.setattr("railyard.core.verbs.launch.new_name", lambda parent: next(names))
    assert start(folder_app(), *WORDS, verb="evaluate")[0] == 0
    assert (work / "b" / "config.yaml").is_file()
    assert not (work / "a" / "config.yaml").exists()


def test_a_folder_may_be_named_once(start, work):
    words = (*WORDS, "hydra.run.dir=my/run")
    assert start(folder_app(), *words, verb="evaluate")[0] == 0
    assert (work / "my" / "run" / "config.yaml").is_file()
    code, _, err = start(folder_app(), *words, verb="evaluate")
    assert code == 2
    assert "exists already" in err


def test_a_named_folder_is_resolved_once(start, work):
    for word, folder in (('hydra.run.dir="a b"', "a b"), ("hydra.run.dir=x${hydra:job.name}", "xevaluate")):
        assert start(folder_app(), *WORDS, word, verb="evaluate")[0] == 0
        assert read_config(work / folder)["paths"]["output_dir"] == str(work / folder)


@pytest.mark.parametrize("key", ["hydra.run.dir", "+resume", "paths.root_dir"])
def test_a_folder_that_cannot_be_resolved_is_one_sentence(start, work, key):
    code, _, err = start(folder_app(), *WORDS, f"{key}=${{nope}}", verb="evaluate")
    assert (code, err.count("\n")) == (2, 1)
    assert "'nope' not found" in err


def test_a_folder_whose_path_is_not_utf8(start, work, monkeypatch):
    (work / "caf\udce9").mkdir()
    monkeypatch.chdir(work / "caf\udce9")
    code, _, err = start(folder_app(), *WORDS, verb="evaluate")
    assert code == 2
    assert "is not UTF-8: work in a folder whose path is" in err


def test_a_folder_is_locked_while_its_verb_runs(start, work):
    held = []
    start(folder_app(lambda job: held.append(job.folder.resolve() in _held) or {}), *WORDS, verb="evaluate")
    assert held == [True]
    assert not _held


def test_logging_does_not_reach_standard_output(start, work):
    def run(job):
        launch.log.warning("to the error stream")
        return {}

    _, out, err = start(app(run))
    assert "to the error stream" in err
    assert "to the error stream" not in out
