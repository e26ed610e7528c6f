"""A verb small enough to read, composed from conf/doctor.yaml."""

from types import SimpleNamespace
from typing import Annotated

from pydantic import Field

from railyard.core.config.component import Verb


class Root(Verb):
    """What conf/doctor.yaml composes to."""

    depth: Annotated[int, Field(ge=0)] = 0
    word: str = ""


def app(run=lambda job: {"metrics": {"depth": float(job.root.depth)}}, **more):
    return SimpleNamespace(ROOT=more.pop("root", Root), run=run, **more)
