"""A user's own classes before a run."""

import sys

import pytest

from railyard.core.config import targets
from railyard.core.config.component import Foreign
from railyard.core.config.faults import FaultyConfig
from railyard.core.training.experiment import Experiment
from railyard.core.training.own_classes import has_method, refuse_unimportable, unreadable

MODEL = """
import lightning.pytorch as pl
{head}

class Base(pl.LightningModule):
    def {method}(self, batch):
        pass

class Mine(Base):
    pass
"""


@pytest.fixture
def write(work, monkeypatch):
    """`write(name, head, method)`: a module of one's own."""
    targets.parsed.cache_clear()
    monkeypatch.setattr(sys, "path", [*sys.path])
    before = {*sys.modules}

    def make(name, head="", method="training_step"):
        (work / f"{name}.py").write_text(MODEL.format(head=head, method=method))

    yield make
    for name in {*sys.modules} - before:
        del sys.modules[name]


@pytest.mark.parametrize(
    ("name", "head", "said"),
    [
        ("own_a", "import not_installed_anywhere", "there is no module not_installed_anywhere (own_a.py, line 3)"),
        ("own_b", "from beside_it import x", "there is no module beside_it (own_b.py, line 3)"),
        ("own_c", "x = = 1", "own_c.py is not readable Python"),
    ],
)
def test_what_the_source_tells_is_told_without_an_import(write, name, head, said):
    write(name, head)
    (fault,) = unreadable([f"{name}.Mine"])
    assert fault.key == ("allow",)
    assert said in fault.message
    assert name not in sys.modules


def test_a_helper_is_looked_at_too(write, work):
    write("own_d", "from helper_d import x")
    (work / "helper_d.py").write_text("import not_installed_anywhere\nx = 1\n")
    (fault,) = unreadable(["own_d.Mine"])
    assert "not_installed_anywhere (helper_d.py, line 1)" in fault.message


def test_what_can_be_imported_has_no_fault(write, work):
    (work / "spaces" / "inner").mkdir(parents=True)
    (work / "spaces" / "inner" / "deep.py").write_text("x = 1\n")
    head = "import json, numpy.linalg\nfrom spaces.inner import deep\nimport spaces\ntry:\n    import no_such\n"
    write("own_e", head + "except ImportError:\n    pass")
    assert list(unreadable(["own_e.Mine"])) == []


def experiment(target):
    parts = {"data": Foreign("own_f.Mine"), "trainer": Foreign("lightning.pytorch.Trainer", {})}
    return Experiment(model=Foreign(target, {"inner": [Foreign(target)]}), **parts)


def test_an_import_that_fails_is_one_sentence_for_each_place(write):
    write("own_f")
    refuse_unimportable(experiment("own_f.Mine"))
    write("own_g", "x = undefined_name")
    with pytest.raises(FaultyConfig) as refused:
        refuse_unimportable(experiment("own_g.Mine"))
    assert [".".join(fault.key) for fault in refused.value.faults] == ["model._target_", "model.inner.0._target_"]
    assert "own_g cannot be imported: NameError: name 'undefined_name' is not defined (own_g.py, line 3)" in (
        refused.value.faults[0].message
    )


def test_methods_of_a_class_and_of_its_bases(write):
    write("own_h", method="test_step")
    write("own_i")
    assert has_method("own_h.Mine", "test_step")
    assert has_method("own_h.Base", "test_step")
    assert not has_method("own_i.Mine", "test_step")
    assert has_method("nowhere.Mine", "test_step"), "what cannot be read may have it"
