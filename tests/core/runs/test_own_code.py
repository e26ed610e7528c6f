"""Which modules of the user's own stand behind the classes that a call admits."""

import pytest

from railyard.core.config import targets
from railyard.core.runs.own_code import digests
from railyard.core.store import durable


@pytest.fixture
def own(work):
    targets.parsed.cache_clear()
    files = {
        "one.py": "import os, torch, two\nfrom pack.inner import B\nclass A:\n    pass\n",
        "two.py": "import one\n",
        "pack/__init__.py": "",
        "pack/inner.py": "from . import beside\nfrom railyard.core.errors import UserError\nclass B:\n    pass\n",
        "pack/beside.py": "import nowhere\n",
        "alone.py": "x = 1\n",
    }
    for name, text in files.items():
        (work / name).parent.mkdir(exist_ok=True)
        (work / name).write_text(text)
    return work


def test_a_module_and_what_it_imports_of_the_users_own(own):
    files = {"one": "one.py", "two": "two.py", "pack": "pack/__init__.py"}
    files |= {"pack.inner": "pack/inner.py", "pack.beside": "pack/beside.py"}
    assert digests(["one.A"]) == {name: durable.sha256_of(own / file) for name, file in files.items()}
    assert digests(["pack.inner.B"]).keys() == {"pack", "pack.inner", "pack.beside"}


def test_a_changed_helper_is_seen(own):
    before = digests(["one.A"])
    (own / "pack" / "beside.py").write_text("import other\n")
    assert {name for name, sha in digests(["one.A"]).items() if before[name] != sha} == {"pack.beside"}


@pytest.mark.parametrize("name", ["", "torch.optim.SGD", "railyard.core.rail.Rail", "json.JSONEncoder", "nowhere.A"])
def test_what_is_installed_is_known_otherwise(own, name):
    assert digests([name]) == {}


def test_a_file_that_is_no_python_is_still_noted(own):
    (own / "broken.py").write_text("class (")
    assert [*digests(["broken.A"])] == ["broken"]
