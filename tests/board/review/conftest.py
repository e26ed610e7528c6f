"""Sessions of every kind, made once for all tests of review."""

import pytest
from review_inputs import make_inputs
from reviewed import reviewed


@pytest.fixture(scope="session")
def inputs(tmp_path_factory, tiny_pack):
    return make_inputs(tmp_path_factory.mktemp("inputs"), tiny_pack)


@pytest.fixture(scope="session")
def clients(inputs):
    """`clients(kind)`: a client of the application over that input, and the session's id."""
    from contextlib import ExitStack

    with ExitStack() as held:
        made = {}

        def client(kind):
            if kind not in made:
                found = held.enter_context(reviewed(inputs[kind].find))
                made[kind] = found, found.get("/sessions").json()["sessions"][0]["id"]
            return made[kind]

        yield client
