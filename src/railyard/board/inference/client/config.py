"""The component `client`: how programs that ask inference servers batch, bound and repeat their requests.

The first seven knobs and their defaults are those of the reference's feeder.
"""

from importlib.util import find_spec
from typing import Self

from pydantic import Field, model_validator

from railyard.core.config.component import Component, PathKnob
from railyard.core.config.faults import Fault

Addresses = str | list[str]  # a knob: one server or several


class ClientTls(Component):
    """Encryption towards a server."""

    ca: PathKnob | None = Field(
        None, description="certificate (PEM) of the authority that signed the server's; null sends plain text"
    )
    cert: PathKnob | None = Field(None, description="own certificate (PEM), for servers that ask for one; needs key")
    key: PathKnob | None = Field(None, description="private key (PEM) of cert")

    @model_validator(mode="after")
    def _belong_together(self) -> Self:
        if (self.cert is None) != (self.key is None):
            raise ValueError("cert and key are one pair: give both or none")
        if self.cert is not None and self.ca is None:
            raise ValueError("cert is of use with ca only, the authority that signed the server's certificate")
        return self


class Client(Component):
    """A client of one or several servers."""

    target_batch: int = Field(
        512, ge=1, description="boards at which a batch is sent without waiting for more; no batch has more"
    )
    flush_us: int = Field(
        250, ge=0, le=10_000_000, description="microseconds after its first board at which a batch is sent anyway"
    )
    inflight_batches: int = Field(
        2, ge=1, le=1024, description="batches of max_batch that one server may have unanswered; streams: requests"
    )
    max_batch: int = Field(
        1024, ge=1, description="sizes the window: a server has at most inflight_batches x max_batch boards to answer"
    )
    queue_cap: int = Field(
        65536, ge=1, description="boards that wait to be sent; beyond that whoever asks waits before it may queue them"
    )
    metrics_file: PathKnob | None = Field(
        None, description="JSON lines with batches and boards a second and the sizes of batches are appended here"
    )
    metrics_interval_s: float = Field(5.0, gt=0, description="seconds between two of these lines")
    deadline_s: float = Field(
        30.0, gt=0, le=3600, description="seconds in which a request has to be answered; the server is told, too"
    )
    retries: int = Field(
        10,
        ge=0,
        le=1000,
        description="times that a request is repeated where a server is gone, full or late; the wait doubles from 0.1 "
        "to 5 s, so that 10 outlast a server's restart",
    )
    token_file: PathKnob | None = Field(
        None, description="file with the server's token, which is sent with each request and shown nowhere"
    )
    tls: ClientTls = Field(ClientTls(), description="certificates")

    @model_validator(mode="after")
    def _a_batch_fits_the_window(self) -> Self:
        if self.target_batch > self.window:
            raise ValueError(
                f"target_batch={self.target_batch} is more than inflight_batches x max_batch = {self.window}: "
                "such a batch could never be sent; lower it or raise one of the two"
            )
        return self

    @property
    def window(self) -> int:
        """Boards that one server may have unanswered."""
        return self.inflight_batches * self.max_batch


def missing_files(client: Client) -> list[Fault]:
    """Files that a client is to read and that are not there."""
    tls = {f"tls.{name}": getattr(client.tls, name) for name in ("ca", "cert", "key")}
    named = {"token_file": client.token_file, **tls}
    return [
        Fault(("client", *key.split(".")), f"there is no file {path}")
        for key, path in named.items()
        if path is not None and not path.is_file()
    ]


def missing_extra() -> list[Fault]:
    """The fault of an address where gRPC is not installed."""
    if find_spec("grpc"):
        return []
    return [Fault(("address",), "asking a server needs grpcio and protobuf: pip install 'railyard[serve]'")]
