"""What `railyard review` takes: sessions, what is beside them, and where it listens for whom."""

from collections.abc import Mapping
from importlib.util import find_spec
from pathlib import Path
from typing import Annotated, Any

from pydantic import Field

from railyard.board.inference.client.config import Addresses, Client, missing_extra
from railyard.board.teaching.config import TABLES
from railyard.core.config.component import PathKnob, in_words
from railyard.core.config.faults import Fault
from railyard.core.verbs.verb import Job, Verb

NEEDED = ("fastapi", "uvicorn")  # of the extra review
ROOT = Path("annotations")
ORIGIN = r"^https?://[^\s/?#]+$"
Origin = Annotated[str, in_words(ORIGIN, "an origin, as http://localhost:5173"), Field(pattern=ORIGIN)]


class Review(Verb):
    """An HTTP API over annotation sessions, and the viewer."""

    has_folder = True
    verbatim = ("host", "address")  # brackets of an IPv6 address are no list

    root: PathKnob | None = Field(
        None, description="folder of sessions; new ones are noticed. null: annotations, unless session or pool is given"
    )
    session: PathKnob | None = Field(None, description="one session's folder")
    pool: PathKnob | None = Field(None, description="a pack or self-play pool; goes with annotations")
    annotations: PathKnob | list[PathKnob] | None = Field(
        None, description="folder of annotations over pool, wherever they were made, or a list of them"
    )
    tokenizer: PathKnob | None = Field(
        None, description="tokenizer.json that tokens are shown by; null: that of each session"
    )
    tables: PathKnob | None = Field(None, description=f"of the teacher: {TABLES}")
    address: Addresses | None = Field(
        None,
        description="inference servers whose model boards can be analysed with: a Unix socket's path or HOST:PORT, or "
        "a list of them",
    )
    client: Client = Field(Client(), description="how servers are asked")
    analysis: bool = Field(True, description="boards can be analysed; false leaves /analyze out")
    read_only: bool = Field(False, description="views can be read, and none is kept or deleted")
    host: str = Field(
        "127.0.0.1", min_length=1, description="where it listens; beyond this machine it needs token_file"
    )
    port: int = Field(8080, ge=0, le=65535, description="0 takes a free one, which is kept in address.txt")
    token_file: PathKnob | None = Field(
        None, description="file with the token that each request has to bring; it is shown nowhere"
    )
    hosts: list[str] = Field([], description="names, beside those of this machine, that browsers may call it by")
    origins: list[Origin] = Field([], description="origins whose pages may read the API: exact, http://localhost:5173")
    drain_s: float = Field(
        10.0, gt=0, le=3600, description="seconds that a signal leaves for what was accepted to be answered"
    )

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str:
        return "board"

    def rules(self, job: Job) -> list[Fault]:
        return [*self._faults_of_the_extra(), *self._faults_of_sessions(), *self._faults_of_the_address()]

    def _faults_of_the_extra(self) -> list[Fault]:
        if not all(find_spec(name) for name in NEEDED):
            return [Fault((), "review needs packages that are not installed: pip install 'railyard[review]'")]
        return missing_extra() if self.address else []

    def _faults_of_sessions(self) -> list[Fault]:
        given = [key for key in ("root", "session", "pool") if getattr(self, key) is not None]
        if len(given) > 1:
            return [Fault((given[1],), f"{' and '.join(given)} each say which sessions: give one of them")]
        if self.pool is not None and not self.annotations:
            return [Fault(("annotations",), f"what is said of {self.pool}? give annotations=FOLDER")]
        if self.pool is None and self.annotations:
            return [Fault(("pool",), "which pool are the annotations of? give pool=FOLDER")]
        root = self.root or ROOT
        if not given and not root.is_dir():
            message = f"there is no folder {root}: make a session with railyard annotate, or give root= or session="
            return [Fault(("root",), message)]
        return []

    def _faults_of_the_address(self) -> list[Fault]:
        from railyard.core.serving import is_loopback

        if is_loopback(self.host) or self.token_file is not None:
            return []
        message = f"{self.host} can be reached from other machines: give token_file, or listen at 127.0.0.1"
        return [Fault(("host",), message)]

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.board.review.serving import serve

        assert job.folder is not None
        return serve(self, job.folder)
