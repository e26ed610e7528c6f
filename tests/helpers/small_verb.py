"""A verb small enough to read, composed from conf/doctor.yaml."""

from typing import Annotated

from pydantic import Field

from railyard.core.verbs.verb import Verb


class Root(Verb):
    """What conf/doctor.yaml composes to."""

    depth: Annotated[int, Field(ge=0)] = 0
    word: str = ""


def app(run=lambda job: {"metrics": {"depth": float(job.root.depth)}}, root=Root, **hooks):
    """A verb that does what `run(job)` does; `hooks` are functions without self, or values."""
    own = {name: staticmethod(hook) if callable(hook) else hook for name, hook in hooks.items()}
    return type(root.__name__, (root,), {"perform": lambda self, job: run(job), **own})
