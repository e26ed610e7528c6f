"""What `railyard load` takes: whom to ask, how much at a time, how often, and what about each board."""

from collections.abc import Mapping
from typing import Any, Literal

from pydantic import Field

from railyard.board.inference.client.config import Addresses, Client, missing_extra, missing_files
from railyard.board.inference.server.config import HostPort
from railyard.core.config.faults import Fault
from railyard.core.verbs.verb import Job, Verb


class Load(Verb):
    """A load test of one inference server or several."""

    has_folder = True
    verbatim = ("metrics",)  # brackets of an IPv6 address are no list

    address: Addresses = Field(description="a Unix socket's path or HOST:PORT, or a list of them")
    mode: Literal["closed", "open"] = Field(
        "closed",
        description="closed: so many clients, each of which waits for its answer before it asks again, find what a "
        "server can; open: requests come at a rate, whatever becomes of them, and find how long answers take",
    )
    clients: int = Field(8, ge=1, le=10_000, description="of mode=closed: requests under way at one time")
    rate: float | None = Field(None, gt=0, le=100_000, description="of mode=open: requests a second")
    spacing: Literal["random", "even"] = Field(
        "random", description="of mode=open: at times that nothing relates, as of many callers, or one like the other"
    )
    boards: int = Field(1024, ge=1, le=1 << 20, description="boards of a request")
    ask: Literal["argmax", "probs", "all"] = Field(
        "probs", description="argmax: the best move; probs: its distributions; all: logits, values and embeddings too"
    )
    stream: bool = Field(
        False, description="requests go through one InferStream a server instead of calls of their own"
    )
    metrics: HostPort | None = Field(
        None, description="HOST:PORT of the server's metrics: rows of a pass and its queue"
    )
    window_s: float = Field(5.0, gt=0, le=600, description="seconds of a window, over which rates are taken")
    most_windows: int = Field(20, ge=3, le=1000, description="windows after which it ends although no three agree")
    client: Client = Field(Client(), description="of these deadline_s, token_file and tls hold here")

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("mode"))

    def rules(self, job: Job) -> list[Fault]:
        if (self.mode == "open") != (self.rate is not None):
            wanted = (
                "needs a rate: give rate=REQUESTS" if self.rate is None else "keeps no rate: leave it out, or mode=open"
            )
            return [Fault(("rate",), f"mode={self.mode} {wanted}")]
        if self.mode == "open" and self.stream:
            return [Fault(("stream",), "a full stream holds back its client, so that no rate is kept: mode=closed")]
        return [*missing_extra(), *missing_files(self.client)]

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.board.inference.load.job import load

        assert job.folder is not None
        return load(self, job.folder, job.command)

    def summary(self, result: dict[str, Any]) -> dict[str, Any]:
        """The report has the windows."""
        return {key: value for key, value in result.items() if key != "by_window"}
