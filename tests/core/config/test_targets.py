"""Which targets pass, and that a refusal neither imports nor runs anything."""

import subprocess
import sys
import textwrap

import pytest

from railyard.core.config import targets
from railyard.core.config.targets import TABLE, Signature, names, parts, resolve, signature_of
from railyard.core.errors import nearest

HOSTILE = [
    "os.system",
    "posix.system",
    "builtins.eval",
    "builtins.exec",
    "subprocess.Popen",
    "functools.partial",
    "importlib.import_module",
    "pickle.loads",
    "shutil.rmtree",
    "torch.load",
    "torch.hub.load",
    "torch.optim",
    "torch.optim.adamw.AdamW",
    "torch.optim.AdamW.__init__",
    "torch.optim.AdamWX",
    "hydra.utils.instantiate",
    "hydra.utils.get_class",
    "lightning.pytorch.trainer.trainer.Trainer",
    "lightning.pytorch.Trainer.fit",
    "lightning.pytorch.trainer.Trainer",
    "pytorch_lightning.Trainer",
    "lightning.pytorch.callbacks.LambdaCallback",
    "railyard.cli.main",
    "railyard.core.store.durable.write_text",
    "railyard.core.store.durable.Path",
    "railyard.core.config.component.BaseModel",
    "railyard.core.config.component.Component",
    "railyard.core.config.component.Root",
    "railyard.core.config.component.Foreign",
    "railyard.core.config.compose.OmegaConf",
    "railyard.core.config.compose.Composition",
    "railyard.core.verbs.launch.Job",
    "railyard.core.training.experiment.Experiment",
    "railyard.core.training.experiment.Evaluate",
    "railyard.core.training.experiment.Data",
    "railyard.core.training.experiment.Model",
    "railyard.core.training.experiment.Objective",
    "railyard.core.training.experiment.Callback",
    "railyard.core.training.experiment.Component",
    "railyard.apps.train.Experiment",
    "railyard.board.packs.config.ImportLogs",
    "railyard.board.training.config.Encoder",
    "railyard.board.training.config.Data",
    "railyard.board.training.config.PackData.build",
    "railyard.board.training.schedules.Schedule",
    "railyard.board.model.encoder.BoardEncoder",
    "railyard.core.training.fit",
    "railyard.nowhere.Thing",
    "railyard",
    "railyard.",
    "..os.system",
    "os.system ",
    "os.system\n",
    "torch.optim.AdamW\n",
    "os system",
    "lambda: 1",
    "__import__('os').system",
    "",
    None,
    3,
    ["torch.optim.AdamW"],
]


@pytest.mark.parametrize("name", HOSTILE, ids=repr)
def test_hostile_targets_are_refused_with_a_reason(name):
    assert isinstance(resolve(name, []), str)


def test_a_refusal_imports_nothing():
    code = f"""
        import sys
        from railyard.core.config.targets import resolve
        before = set(sys.modules)
        for name in {[name for name in HOSTILE if name]!r} + ["antigravity.webbrowser", "this.s"]:
            assert isinstance(resolve(name, []), str), name
        new = {{module.split(".")[0] for module in set(sys.modules) - before}}
        heavy = new & {{"torch", "lightning", "numba", "antigravity", "this", "subprocess", "webbrowser"}}
        assert not heavy, heavy
    """
    subprocess.run([sys.executable, "-c", textwrap.dedent(code)], check=True, timeout=60)


def test_an_alias_names_the_near_component():
    import railyard.board.training.schedules  # noqa: F401 (known components are those imported)

    assert "did you mean 'railyard.board.training.schedules.Cosine'?" in resolve(
        "railyard.board.training.schedules.Cosin", []
    )
    assert "did you mean 'torch.optim.AdamW'?" in resolve("torch.optim.AdamWW", [])


@pytest.mark.parametrize("name", sorted(TABLE))
def test_every_name_of_the_table_has_a_signature(name):
    signature = signature_of(name)
    assert isinstance(signature, Signature)
    assert signature.target == name
    assert signature.parameters


def test_components_are_admitted_by_class():
    from railyard.board.training.schedules import Cosine

    assert resolve("railyard.board.training.schedules.Cosine", []) is Cosine


@pytest.fixture
def module(work, monkeypatch):
    """Writes a module of the user's own into the working directory, which fails when it is imported."""
    monkeypatch.syspath_prepend(str(work))
    targets.signature_of.cache_clear()
    targets.parsed.cache_clear()

    def write(source, name="their_module"):
        path = work / f"{name.replace('.', '/')}.py"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("raise RuntimeError('imported')\n" + textwrap.dedent(source))
        return path

    return write


def test_a_class_of_ones_own_is_read_without_an_import(module):
    module("class Net:\n    def __init__(self, width: int, depth=2, *, name: str = 'x', **rest): ...\n")
    found = resolve("their_module.Net", ["their_module.Net"])
    assert found.parameters == {"width": "int", "depth": None, "name": "str"}
    assert found.required == {"width"}
    assert found.is_open


def test_a_class_in_a_package_and_one_that_inherits_its_constructor(module):
    module("class Base:\n    def __init__(self, width): ...\n", "theirs.base")
    module("from .base import Base\nclass Net(Base): ...\n", "theirs.net")
    assert resolve("theirs.net.Net", ["theirs.net.Net"]).required == {"width"}


def test_an_unknown_base_may_take_any_key(module):
    module("import lightning as L\nclass Net(L.LightningModule): ...\n")
    assert resolve("their_module.Net", ["their_module.Net"]).is_open


@pytest.mark.parametrize(
    ("source", "name", "reason"),
    [
        ("def Net(): ...\n", "their_module.Net", "not a class"),
        ("Net = object\n", "their_module.Net", "no class of that name"),
        ("from collections import OrderedDict as Net\n", "their_module.Net", "is an alias"),
        ("class Net: ...\n", "their_module.Other", "no class of that name"),
        ("class Net: ...\n", "their_modul.Net", "no class of that name"),
        ("class Net(:\n", "their_module.Net", "not readable Python"),
    ],
)
def test_what_allow_cannot_admit(module, source, name, reason):
    module(source)
    assert reason in resolve(name, [name])


def test_allow_is_exact(module):
    module("class Net: ...\nclass Network: ...\n")
    assert "add allow=[their_module.Network]" in resolve("their_module.Network", ["their_module.Net", "their_module"])


def test_an_allowed_function_of_the_library_stays_refused():
    assert "not a class" in resolve("os.path.join", ["os.path.join"]) or "no class" in resolve(
        "os.path.join", ["os.path.join"]
    )
    assert isinstance(
        resolve("railyard.core.store.durable.write_text", ["railyard.core.store.durable.write_text"]), str
    )
    assert isinstance(
        resolve("railyard.core.config.component.BaseModel", ["railyard.core.config.component.BaseModel"]), str
    )


def sentences(faults):
    return {".".join(fault.key): fault.message for fault in faults}


def test_the_trainers_keys_are_checked_against_its_source():
    trainer = signature_of("lightning.pytorch.Trainer")
    given = {"max_epoch": 3, "max_steps": "many", "max_epochs": True, "deterministic": None, "gradient_clip_val": [1]}
    faults = sentences(trainer.check(given, ("trainer",)))
    assert faults.keys() == {
        "trainer.max_epoch",
        "trainer.max_steps",
        "trainer.max_epochs",
        "trainer.gradient_clip_val",
    }
    assert "did you mean 'max_epochs'?" in faults["trainer.max_epoch"]
    assert faults["trainer.max_steps"] == "must be int, got 'many'"
    assert faults["trainer.max_epochs"] == "must be int or null, got True"


def test_required_supplied_and_missing_keys():
    signature = Signature("their.Net", {"width": "int", "data": None}, frozenset({"width", "data"}), is_open=False)
    assert sentences(signature.check({}, ("model",))).keys() == {"model.width", "model.data"}
    assert sentences(signature.check({}, ("model",), frozenset({"data"}))).keys() == {"model.width"}
    supplied = sentences(signature.check({"width": 3, "data": 1}, ("model",), frozenset({"data"})))
    assert "supplied by Railyard" in supplied["model.data"]
    assert "give model.width=…" in sentences(signature.check({"width": "???", "data": 1}, ("model",)))["model.width"]


@pytest.mark.parametrize(
    ("annotation", "value", "fits"),
    [
        ("Optional[int]", None, True),
        ("int | None", 3, True),
        ("Union[int, float]", 0.5, True),
        ("Optional[Union[int, float]]", "3", False),
        ("float", 3, True),
        ("int", 3.0, False),
        ("int", True, False),
        ("bool", 1, False),
        ("str", [], False),
        ("'str'", "x", True),
        ("SomeClass", 3, True),
        ("list[int]", 3, True),
        (None, 3, True),
    ],
)
def test_plain_types(annotation, value, fits):
    signature = Signature("a.B", {"x": annotation}, frozenset(), is_open=False)
    assert (signature.check({"x": value}, ()) == []) is fits


def test_nearest():
    assert nearest("gpuu", ["cpu", "gpu"]) == "; did you mean 'gpu'?"
    assert nearest("zebra", ["cpu", "gpu"]) == ""


def test_every_part_of_a_container_is_found():
    cosine, progress = "railyard.board.training.schedules.Cosine", "railyard.core.training.callbacks.config.Progress"
    container = {"a": {"_target_": cosine}, "b": [{"_target_": progress}], "c": {"_target_": "os.system"}}
    assert [(key, names(part)) for key, _, part in parts(container)] == [
        (("a",), ["warmup_steps", "min_ratio", "grow_batch"]),
        (("b", "0"), ["every_seconds"]),
    ]


def test_plain_defaults_are_read_from_the_source():
    adam = targets.signature_of("torch.optim.AdamW").defaults
    assert (adam["betas"], adam["eps"], adam["fused"]) == ([0.9, 0.999], 1e-8, None)
    timer = targets.signature_of("lightning.pytorch.callbacks.Timer").defaults
    assert timer == {"duration": None, "verbose": True}, "interval is no plain value"
