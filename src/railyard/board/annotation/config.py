"""What `railyard annotate` takes: a pool, a model, the products wanted, and where the session goes."""

from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any, Literal

from pydantic import Field

from railyard.board.annotation.products.product import Product
from railyard.board.annotation.products.registry import DEFAULT, products_of
from railyard.board.inference.client.config import Addresses, Client, missing_files
from railyard.core.config.component import PathKnob
from railyard.core.config.faults import Fault, FaultyConfig, blamed_on
from railyard.core.errors import UserError
from railyard.core.making.parts import PartKnob
from railyard.core.progress import Count
from railyard.core.verbs.verb import Job, Work

if TYPE_CHECKING:
    from railyard.board.model.config import Encoder

ONE = r"(auto|cpu|mps|cuda(:\d+)?)"
Devices = Annotated[str, Field(pattern=rf"^{ONE}( *, *{ONE})*$")]


class Annotate(Work):
    """What a model says of every row of a pool."""

    unit = "rows"
    verbatim = ("device",)

    pool: PathKnob = Field(description="a pack of teacher rows, or a self-play pool")
    init: PathKnob | None = Field(None, description="the model: an init folder, as the `init` of a run")
    address: Addresses | None = Field(
        None,
        description="the model behind inference servers instead: a Unix socket's path or HOST:PORT, or a list of them",
    )
    client: Client = Field(Client(), description="how servers are asked")
    out: PathKnob = Field(
        Path("annotations"), description="folder of all sessions; this one goes to OUT/POOL/model=TAG/TIME"
    )
    products: list[str | dict[str, Any] | Product] = Field(
        list(DEFAULT),
        description="what is kept of each row: annotations, student_bins, metrics, predictions, value_heads, "
        "embeddings; options beside a name, as {name: student_bins, dtype: f16}; what the model lacks is left out",
    )
    value_heads: list[str] | None = Field(None, description="value heads that are kept; null: all that the model has")
    batch_size: int = Field(
        16384, ge=16, le=65536, description="rows of a request and of a write; a multiple of the bucket"
    )
    bucket: int | None = Field(
        None,
        ge=16,
        description="boards of one pass of the model, the last pass of a batch padded: another number may change last "
        "bits; null: 256, on a GPU 4096; with address the server's",
    )
    device: Devices = Field("auto", description="of the model, or several as cuda:0,cuda:1; auto takes what is there")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the model's passes")
    limit: int | None = Field(None, ge=1, description="annotates the first rows only")
    overwrite: bool = Field(False, description="begins a new session where one of the same call stands")
    part: PartKnob = Field(
        "0/1", description="i/n annotates the i-th of n shares of the shards, from 0; the last one to finish joins them"
    )
    tag: str | None = Field(
        None, min_length=1, description="what the model is called; null: the init folder's name, or that of its run"
    )
    tokenizer: PathKnob | None = Field(
        None, description="tokenizer.json kept with the session; null: the init folder's"
    )
    store_logits: bool = Field(False, description="predictions also hold the logits of the last bins")
    shard_rows: int = Field(1_000_000, ge=1, description="rows a file at most; shards of the pool are never joined")

    def rules(self, job: Job) -> list[Fault]:
        found = []
        try:
            products_of(self.products)
        except UserError as fault:
            found.append(Fault(("products",), str(fault)))
        if self.init is None and not self.address:
            found.append(Fault(("init",), "no model is named: give init=FOLDER or address="))
        if self.init is not None and self.address:
            found.append(Fault(("address",), "init and address are two models: leave one of them out"))
        if self.overwrite and self.part != "0/1":
            message = (
                f"a new session of part={self.part} would be another one for each part: delete the old one instead"
            )
            found.append(Fault(("overwrite",), message))
        found += missing_files(self.client) if self.address else []
        return [*found, *self._faults_of_passes()]

    def _faults_of_passes(self) -> list[Fault]:
        if self.address:
            servers = {"bucket": None, "device": "auto", "precision": "fp32"}
            wrong = [key for key, default in servers.items() if getattr(self, key) != default]
            advice = "with address the servers decide this: give it to railyard serve"
            return [Fault((key,), advice) for key in wrong]
        bucket = self.bucket or 256
        if self.batch_size % bucket:
            message = f"a batch is a whole number of passes of bucket={bucket} rows, got {self.batch_size}"
            return [Fault(("batch_size",), message)]
        return []

    def plan(self, job: Job) -> str:
        from railyard.board.annotation.planning import lines

        with blamed_on("pool"):
            found = lines(self, self._model())
        return "\n".join([super().plan(job), *found])

    def _model(self) -> "Encoder | None":
        """The model's config, None where a server has it. FaultyConfig where there is no model."""
        from railyard.board.model.folder import read_config, weight_file

        if self.init is None:
            return None
        with blamed_on("init"):
            config = read_config(self.init)
        if weight_file(self.init) is None:
            raise FaultyConfig(
                Fault(("init",), f"{self.init} holds no weights: give the init folder of a trained model")
            )
        return config

    def run(self, progress: Count | None = None) -> dict[str, Any]:
        """Annotates; returns what came of it. `progress` is told rows done and rows in all."""
        from railyard.board.annotation.job import annotate

        return annotate(self, progress)
