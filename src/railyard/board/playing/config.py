"""What `railyard play` takes: a player, how many games, and where they go."""

from collections.abc import Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from pydantic import Field

from railyard.board.game.strategy import Argmax, Strategy
from railyard.board.inference.client.config import Addresses, Client, missing_extra, missing_files
from railyard.board.teaching.config import DEPTH, TABLES
from railyard.core.config.component import PathKnob
from railyard.core.config.faults import Fault, FaultyConfig, blamed_on
from railyard.core.training.devices import Device
from railyard.core.verbs.verb import Job, Verb

if TYPE_CHECKING:
    from railyard.board.model.config import Encoder


class Play(Verb):
    """Games of one player."""

    has_folder = True

    player: Literal["model", "teacher", "random"] = Field("model", description="who plays")
    init: PathKnob | None = Field(None, description="the model: an init folder, as the `init` of a run")
    address: Addresses | None = Field(
        None,
        description="the model behind inference servers instead: a Unix socket's path or HOST:PORT, or a list of them; "
        "they serve one model, and with one bucket the games are those of init",
    )
    client: Client = Field(Client(), description="how servers are asked")
    depth: int = Field(3, ge=1, le=8, description=f"of the teacher: {DEPTH}")
    tables: PathKnob | None = Field(None, description=f"of the teacher: {TABLES}")
    games: int = Field(100, ge=1, description="games to play; game i has the seed `seed` + i")
    seed: int = Field(1, ge=0, lt=2**64, description="seed of the first game")
    places: int = Field(256, ge=1, description="games in play at one time; the games are the same for any number")
    inflight_batches: int | None = Field(
        None,
        ge=1,
        description="groups of places: one is with the player while others move; null: 1, on a GPU 2, and one a core "
        "for the teacher, and 2 a server",
    )
    strategy: Strategy = Field(Argmax(), description="how a move is chosen from what the model says")
    symmetries: Literal[1, 8] = Field(1, description="8 averages what the model says of the eight turned boards")
    max_moves: int | None = Field(None, ge=1, description="a game is ended after so many moves; null plays to the end")
    bucket: int | None = Field(
        None,
        ge=16,
        description="boards of one pass of the model, the last pass padded: another number may change last bits; "
        "null: 256, on a GPU 4096; with address the server's",
    )
    device: Device = Field("auto", description="of the model; auto takes what is there")
    precision: Literal["fp32", "bf16"] = Field("fp32", description="of the model's passes")
    out: PathKnob | None = Field(
        None, description="folder of a self-play pool of the finished games; it appears complete or not at all"
    )
    embeddings: bool = Field(False, description="the pool also holds what the model made of each board, float32")
    shard_rows: int = Field(1_000_000, ge=1, description="rows per file steps-000001.npy, … of the pool")
    resume: PathKnob | None = Field(None, description="a run of play: goes on after the games that are done")

    @classmethod
    def label(cls, config: Mapping[str, Any]) -> str:
        return str(config.get("player"))

    @classmethod
    def first(cls, config: Mapping[str, Any], faults: list[Fault]) -> list[Fault]:
        if config.get("resume") and "player" not in config:
            return [Fault(("resume",), f"{config['resume']} is no run of railyard play: give the folder of one")]
        return []

    def rules(self, job: Job) -> list[Fault]:
        found = []
        found += self._faults_of_the_model()
        if self.tables is not None and self.player != "teacher":
            found.append(Fault(("tables",), f"player={self.player} asks no tables: leave it out, or player=teacher"))
        if self.symmetries != 1 and self.player != "model":
            found.append(Fault(("symmetries",), f"player={self.player} is asked no turned boards: leave it out"))
        if self.embeddings and (self.player != "model" or self.out is None):
            message = f"a model makes them, and a pool holds them: player=model out=POOL, got player={self.player}"
            found.append(Fault(("embeddings",), f"{message} out={self.out}"))
        return found

    def _faults_of_the_model(self) -> list[Fault]:
        if self.player != "model" and (self.init is not None or self.address):
            key = "init" if self.init is not None else "address"
            return [Fault((key,), f"player={self.player} and the model do not go together: leave it out")]
        if self.player == "model" and self.init is None and not self.address:
            return [Fault(("init",), "player=model needs one: give init=FOLDER or address=")]
        if self.init is not None and self.address:
            return [Fault(("address",), "init and address are two models: leave one of them out")]
        if self.address and (missing := [*missing_extra(), *missing_files(self.client)]):
            return missing
        servers = {"bucket": None, "device": "auto", "precision": "fp32"} if self.address else {}
        wrong = [key for key, default in servers.items() if getattr(self, key) != default]
        return [Fault((key,), f"with address the servers decide this: give {key}= to railyard serve") for key in wrong]

    def plan(self, job: Job) -> str:
        lines = [super().plan(job)]
        if self.tables is not None:
            from railyard.board.game.endgame.tables import EndgameTables

            with blamed_on("tables"):
                EndgameTables.open(self.tables)
        if self.init is not None:
            from railyard.board.model.config import parameter_count

            config = self._model(self.init)
            lines.append(f"  model: {parameter_count(config):,} parameters, {config.head_type}")
        return "\n".join(lines)

    def _model(self, init: Path) -> "Encoder":
        """The model's config; FaultyConfig where it cannot play so."""
        from railyard.board.model.folder import read_config, weight_file

        with blamed_on("init"):
            config = read_config(init)
        if weight_file(init) is None:
            raise FaultyConfig(Fault(("init",), f"{init} holds no weights: give the init folder of a trained model"))
        if config.head_type == "action_policy" and self.strategy.weighs_bins:
            message = "weighs bins of one move, and this model has one a move (action_policy): strategy=board_argmax"
            raise FaultyConfig(Fault(("strategy",), f"{message}, or another that takes them"))
        return config

    def perform(self, job: Job) -> dict[str, Any]:
        from railyard.board.playing.job import play_games
        from railyard.core.progress import counting

        assert job.folder is not None
        with counting(job.verb, "games") as tick:
            return play_games(self, job.folder, job.command, tick)
