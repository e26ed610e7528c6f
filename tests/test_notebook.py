"""Railyard from Python: the page of the guide as it stands, mistakes, interrupts, and what is left as it was found."""

import asyncio
import logging
import re
import shutil
import signal
import subprocess
import sys
import warnings
from contextlib import contextmanager
from pathlib import Path

import pytest
from annotators import annotate

import railyard
from railyard.core.errors import UserError

PAGE = Path(__file__).resolve().parents[1] / "docs" / "notebook.md"
SMALL = {
    "model.encoder": {"hidden_size": 16, "num_hidden_layers": 1, "num_attention_heads": 2, "intermediate_size": 32},
    "trainer": {"max_steps": 4, "log_every_n_steps": 2},
    "data": {"batch_size": 100, "validation_fraction": 0.2},
    "callbacks.report.plots": False,
}
QUICK = ("experiment=board/quickstart", SMALL)


@pytest.fixture
def data(work, tiny_pack, tiny_tokenizer):
    """A working directory with the pack and the tokenizer where the quickstart looks for them."""
    shutil.copytree(tiny_pack, work / "data" / "board" / "sample")
    shutil.copy(tiny_tokenizer, work / "data" / "board" / "tokenizer.json")
    return work


@contextmanager
def left_as_it_was():
    """Handlers of the root logger, signal handlers and filters of warnings are the same before and after."""

    def state():
        root = logging.getLogger()
        answers = [signal.getsignal(number) for number in (signal.SIGINT, signal.SIGTERM)]
        return [*root.handlers], root.level, answers, [*warnings.filters]

    before = state()
    yield
    assert state() == before


def blocks_of(text):
    return re.findall(r"```python\n(.*?)```", text, re.DOTALL)


def test_the_example_of_sessions_runs_as_it_stands(data):
    (block,) = blocks_of(PAGE.read_text(encoding="utf-8").partition("## Sessions")[2])
    place = Path(re.search(r'Session\("(.*?)"\)', block)[1])
    folder, _ = annotate(data / "data" / "board" / "sample", data / "annotations", tag="quickstart")
    folder.rename(place)
    names = {}
    exec(compile(block, PAGE.name, "exec"), names)
    session, lost = names["session"], names["lost"]
    assert len(session) == 1200
    assert lost.columns.tolist() == ["run_id", "step_index", "ev_loss", "entropy"]
    assert len(lost) == len(session.rows("disagreement=1, model_top_prob>0.3")) > 0
    assert len(names["first"]) == 10
    assert "<table" in names["board"]._repr_html_()


@pytest.mark.slow
def test_the_page_runs_as_it_stands(data, capsys):
    blocks, names = blocks_of(PAGE.read_text(encoding="utf-8").partition("## Sessions")[0]), {}
    for block in blocks:
        exec(compile(block, PAGE.name, "exec"), names)
    assert len(blocks) == 5
    assert "did you mean 'max_steps'?  [command line: trainer.max_step=10]" in capsys.readouterr().out
    run, again = names["run"], names["again"]
    assert run.metrics.index.tolist() == [3, 5, 6, 9, 10, 12]  # validated every 3 batches, and resumed in place
    assert again.path == run.path
    assert run.experiment.trainer.kwargs["max_steps"] == 12
    assert run.state == "finished"
    assert not names["model"].training


def test_compose_starts_nothing(data):
    plan = railyard.compose(*QUICK, seed=5)
    assert (plan.verb, plan.root.seed, plan.config["data"]["batch_size"]) == ("train", 5, 100)
    assert repr(plan).startswith("railyard train\n")
    assert not (data / "outputs").exists()
    assert railyard.compose("merge", left="a", right="b", out="c").root.left == Path("a")


@pytest.mark.parametrize("word", ["hydra.run.dir", "hydra"])
def test_a_path_names_the_run_folder(data, word):
    folder = data / "a 'b' {c}"
    named = {word: {"run": {"dir": folder}} if word == "hydra" else folder}
    assert railyard.compose(*QUICK, named).config["paths"]["output_dir"] == str(folder)


@pytest.mark.slow
def test_two_runs_evaluations_and_a_running_event_loop(data):
    async def both():
        return railyard.train(*QUICK, seed=1), railyard.train(*QUICK, seed=2)

    with left_as_it_was():
        first, second = asyncio.run(both())
    assert first.path != second.path
    assert [run.config["seed"] for run in (first, second)] == [1, 2]
    assert list(first.metrics.columns) == ["epoch", *sorted(c for c in first.metrics.columns if c != "epoch")]
    figures = railyard.evaluate(run=first, split="all", batch_size=600)
    assert figures["rows"] == 1200
    assert "| steps | 4 |" in first._repr_markdown_()
    assert re.fullmatch(r"Run\('/.*': state finished, steps 4, .*train/loss \d.*\)", repr(first))
    assert first.provenance["seed"] == 1
    assert first.report.startswith("# ")


@pytest.mark.slow
def test_an_interrupt_saves_and_the_run_goes_on(data, monkeypatch):
    from railyard.board.training.module import BoardModule

    step = BoardModule.training_step

    def interrupted(self, batch, batch_idx):
        if self.global_step == 1:
            signal.raise_signal(signal.SIGINT)
        return step(self, batch, batch_idx)

    with monkeypatch.context() as patch, left_as_it_was():
        patch.setattr(BoardModule, "training_step", interrupted)
        with pytest.raises(KeyboardInterrupt, match="SIGINT after step 2, saved to"):
            railyard.train(*QUICK)
    (folder,) = (data / "outputs" / "train" / "board" / "quickstart").iterdir()
    assert railyard.Run(folder).state == "stopped"
    run = railyard.train(resume=railyard.Run(folder))
    assert (run.path, run.state, run.metrics.index[-1]) == (folder.resolve(), "finished", 4)


def test_another_working_directory(data, tmp_path_factory, monkeypatch):
    monkeypatch.chdir(tmp_path_factory.mktemp("elsewhere"))
    run = railyard.train(*QUICK, {"paths.root_dir": data, "trainer.max_steps": 1})
    assert run.path.is_relative_to(data)
    assert list(Path.cwd().iterdir()) == []


@pytest.mark.parametrize(
    ("call", "sentence"),
    [
        (lambda: railyard.train("trainer.max_step=1"), "did you mean 'max_steps'"),
        (
            lambda: railyard.train("experiment=board/quickstart", data={"batch_size": 0}),
            "data.batch_size: must be greater",
        ),
        (lambda: railyard.train("-m", "seed=1,2"), "-m is an option of the command line; here only key=value is taken"),
        (lambda: railyard.train("hparams_search=board_grid"), "which is started on the command line"),
        (lambda: railyard.train(*QUICK, validate_config=True), "call railyard.compose instead"),
        (lambda: railyard.compose("trian", "seed=1"), "there is no verb 'trian'; did you mean 'train'?"),
        (lambda: railyard.evaluate(), "give exactly one of run=, ckpt_path= and bundle=, got none"),
        (lambda: railyard.Run("nowhere"), "is not a run folder: it holds no config.yaml"),
    ],
)
def test_mistakes_are_sentences(call, sentence, data):
    with pytest.raises(UserError) as caught:
        call()
    assert sentence in str(caught.value)
    assert not (data / "outputs").exists()


@pytest.fixture
def bare(tmp_path):
    """A run folder with nothing but its config."""
    (tmp_path / "config.yaml").write_text("seed: 1\nmodle: 2\n")
    return railyard.Run(tmp_path)


def test_what_is_missing_is_said(bare, monkeypatch):
    with pytest.raises(UserError, match=r"has no init/ \(the run is unknown\)"):
        bare.model()
    with pytest.raises(UserError, match=r"has no report.md: the run is unknown"):
        _ = bare.report
    with pytest.raises(UserError, match=r"config.yaml does not fit this version\n(.*\n)+  modle: unknown key"):
        _ = bare.experiment
    assert bare.metrics.empty
    monkeypatch.setitem(sys.modules, "pandas", None)
    with pytest.raises(UserError, match=r"needs pandas: pip install 'railyard\[notebook\]'"):
        _ = bare.metrics


def test_importing_railyard_is_light():
    code = "import sys, railyard; print('train' in dir(railyard), {'hydra', 'torch', 'numpy'} & sys.modules.keys())"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout
        == "True set()\n"
    )


def test_an_unknown_name_is_an_attribute_error():
    with pytest.raises(AttributeError, match="module 'railyard' has no attribute 'trian'"):
        railyard.trian  # noqa: B018
