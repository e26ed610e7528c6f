"""What `railyard serve` takes: a model, how its passes are put together, and where it listens for whom."""

from collections.abc import Mapping
from importlib.util import find_spec
from itertools import pairwise
from typing import Annotated, Any, Literal

from pydantic import Field

from railyard.core.config.component import PathKnob, in_words
from railyard.core.config.faults import Fault, FaultyConfig, blamed_on
from railyard.core.training.devices import Device
from railyard.core.verbs.verb import Job, Verb

NEEDED = ("grpc", "grpc_health", "grpc_reflection", "prometheus_client")  # of the extra serve
LARGEST_PASS = 1 << 20
HOST_PORT = r"^(\[[0-9a-fA-F:.]+\]|[^\s:/\[\]]+):\d{1,5}$"
HostPort = Annotated[str, in_words(HOST_PORT, "HOST:PORT, as 127.0.0.1:50051"), Field(pattern=HOST_PORT)]


class Serve(Verb):
    """A server that answers for boards."""

    has_folder = True
    verbatim = ("uds", "tcp", "metrics")  # brackets of an IPv6 address are no list

    init: PathKnob = Field(description="the model: an init folder, as the `init` of a run")
    uds: str | None = Field(
        None, description="path of the Unix socket, with or without unix:; null: serve.sock in the run folder"
    )
    tcp: HostPort | None = Field(
        None,
        description="HOST:PORT instead of a socket, port 0 takes a free one; beyond this machine it needs tls_cert, "
        "tls_key and token_file",
    )
    tls_cert: PathKnob | None = Field(None, description="certificate (PEM) of this server, with those that sign it")
    tls_key: PathKnob | None = Field(None, description="private key (PEM) of tls_cert")
    tls_client_ca: PathKnob | None = Field(
        None, description="certificate (PEM) of the authority that has to have signed a client's own"
    )
    token_file: PathKnob | None = Field(
        None, description="file with the token that each request has to bring; it is shown nowhere"
    )
    device: Device = Field("auto", description="of the model; auto takes what is there")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the model's passes")
    compiled: bool = Field(False, description="passes through torch.compile, which costs a minute a bucket to begin")
    graphs: bool = Field(True, description="on CUDA each bucket is recorded as a graph: one launch a pass")
    buckets: list[Annotated[int, Field(ge=16, le=LARGEST_PASS)]] = Field(
        [16, 64, 256, 1024, 4096],
        min_length=1,
        max_length=16,
        description="rows a pass may have, ascending; boards are padded to the next. With one bucket a board has one "
        "answer to the last bit",
    )
    max_batch: int | None = Field(None, ge=1, description="boards of a pass; null: the largest bucket")
    max_delay_us: int = Field(
        0,
        ge=0,
        le=10_000_000,
        description="microseconds that the oldest request waits for company; 0 begins a pass as soon as none runs",
    )
    queue: int = Field(
        131_072, ge=2, le=1 << 26, description="boards that may wait; one request holds at most half of it"
    )
    value_dtype: Literal["fp32", "fp16", "bf16"] = Field("fp32", description="how value heads travel")
    metrics: HostPort | None = Field(
        None, description="HOST:PORT on this machine where Prometheus finds figures; port 0 takes a free one"
    )
    reflection: bool = Field(False, description="tells whoever asks which methods and messages there are")
    drain_s: float = Field(
        30.0, gt=0, le=3600, description="seconds that a signal leaves for what was accepted to be answered"
    )

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str:
        return "board"

    def rules(self, job: Job) -> list[Fault]:
        return [*self._extra_faults(), *self._pass_faults(), *self._address_faults()]

    def _extra_faults(self) -> list[Fault]:
        if all(find_spec(name) for name in NEEDED):
            return []
        return [Fault((), "serving needs packages that are not installed: pip install 'railyard[serve]'")]

    def _pass_faults(self) -> list[Fault]:
        if any(right <= left for left, right in pairwise(self.buckets)):
            return [Fault(("buckets",), f"have to ascend, got {self.buckets}: sort them, each once")]
        if self.max_batch is not None and self.max_batch > self.buckets[-1]:
            message = f"{self.max_batch} boards do not fit the largest bucket of {self.buckets[-1]}: lower it, or "
            return [Fault(("max_batch",), f"{message}add a bucket")]
        return []

    def _address_faults(self) -> list[Fault]:
        found = []
        if self.uds is not None and self.tcp is not None:
            found.append(Fault(("uds",), "a server listens at one address: give uds= or tcp=, not both"))
        if (self.tls_cert is None) != (self.tls_key is None):
            found.append(Fault(("tls_cert",), "goes with tls_key: give both or none"))
        if self.tls_client_ca is not None and self.tls_cert is None:
            found.append(Fault(("tls_client_ca",), "is of use with tls_cert and tls_key only: give them too"))
        if self.tls_cert is not None and self.tcp is None:
            found.append(Fault(("tls_cert",), "belongs to tcp=HOST:PORT; a Unix socket never leaves this machine"))
        if self.tcp is not None and not is_loopback(self.tcp) and None in (self.tls_cert, self.token_file):
            message = f"{self.tcp} can be reached from other machines: give tls_cert, tls_key and token_file, or "
            found.append(Fault(("tcp",), f"{message}listen at 127.0.0.1"))
        if self.metrics is not None and not is_loopback(self.metrics):
            found.append(Fault(("metrics",), f"{self.metrics} can be reached from other machines: take 127.0.0.1"))
        for key in ("tcp", "metrics"):
            address = getattr(self, key)
            if address is not None and int(address.rpartition(":")[2]) >= 2**16:
                found.append(Fault((key,), f"{address} names no port: there are 0 to 65535"))
        return found

    def plan(self, job: Job) -> str:
        from railyard.board.model.config import parameter_count
        from railyard.board.model.folder import read_config, weight_file

        with blamed_on("init"):
            config = read_config(self.init)
        if weight_file(self.init) is None:
            message = f"{self.init} holds no weights: give the init folder of a trained model"
            raise FaultyConfig(Fault(("init",), message))
        self._refuse_secrets()
        return f"{super().plan(job)}\n  model: {parameter_count(config):,} parameters, {config.head_type}"

    def _refuse_secrets(self) -> None:
        """FaultyConfig where the token or the certificates cannot be read."""
        from railyard.board.inference.server.credentials import tls_credentials
        from railyard.core.serving import Token

        if self.token_file is not None:
            with blamed_on("token_file"):
                Token.read(self.token_file)
        if self.tls_cert is not None and self.tls_key is not None:
            with blamed_on("tls_cert"):
                tls_credentials(self.tls_cert, self.tls_key, self.tls_client_ca)

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.board.inference.server.serving import serve

        assert job.folder is not None
        return serve(self, job.folder, job.command)


def is_loopback(address: str) -> bool:
    """Whether HOST:PORT can be reached from this machine alone."""
    from railyard.core import serving

    return serving.is_loopback(address.rpartition(":")[0])
