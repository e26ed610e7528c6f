"""The model that plays: in this process, or behind inference servers; both as a policy of `game/players.py`."""

from collections.abc import Iterator
from contextlib import contextmanager
from typing import TYPE_CHECKING, NamedTuple

from railyard.board.game.players import Answer, ModelLost, Policy
from railyard.board.inference.client.addresses import listed
from railyard.board.inference.client.blocking import Blocking
from railyard.board.inference.client.interface import ServerLost
from railyard.board.model.answers import ModelFacts, Wanted
from railyard.core.arrays import U8
from railyard.core.errors import UserError

if TYPE_CHECKING:
    from railyard.board.playing.config import Play


class Asked(NamedTuple):
    """A policy, what its model says of itself, and what a report tells beside that."""

    policy: Policy
    model: ModelFacts
    facts: dict[str, str | int]
    groups: int  # of places that keep it busy


@contextmanager
def asked(knobs: "Play") -> Iterator[Asked]:
    """The model of a call of `play`, asked for probabilities and perhaps embeddings."""
    with _served(knobs) if knobs.address else _local(knobs) as (client, facts, groups):
        model = client.facts()
        if model.head_type == "action_policy" and knobs.strategy.weighs_bins:
            raise UserError(
                "the strategy weighs bins of one move, and this model has one a move (action_policy): "
                "strategy=board_argmax, or another that takes them"
            )
        yield Asked(policy_of(client, model, knobs.embeddings), model, facts, groups)


Client = tuple[Blocking, dict[str, str | int], int]


@contextmanager
def _served(knobs: "Play") -> Iterator[Client]:
    from railyard.board.inference.client.servers import ServerClient

    addresses = listed(knobs.address)
    with Blocking(lambda: ServerClient(addresses, knobs.client)) as client:
        yield client, {"asked": "inference servers"}, 2 * len(addresses)


@contextmanager
def _local(knobs: "Play") -> Iterator[Client]:
    from railyard.board.inference.client.local import LocalClient
    from railyard.core.training.devices import pick

    assert knobs.init is not None
    init, device = knobs.init, pick(knobs.device)
    on_gpu = not device.startswith("cpu")
    bucket = knobs.bucket or (4096 if on_gpu else 256)
    with Blocking(lambda: LocalClient.open(init, device, bucket, knobs.precision)) as client:
        yield client, {"bucket": bucket, "precision": knobs.precision, "device": device}, 2 if on_gpu else 1


def policy_of(client: Blocking, model: ModelFacts, embeddings: bool = False) -> Policy:
    """A client as a policy; ModelLost where no server answers any more."""
    wanted = Wanted(embeddings=embeddings)

    def policy(exponents_B16: U8) -> Answer:
        try:
            answers = client.ask(exponents_B16, wanted)
        except ServerLost as fault:
            raise ModelLost(str(fault)) from fault
        heads = answers.probabilities_B4N
        assert heads is not None
        return Answer(heads[:, :, 0] if model.head_type == "action_policy" else heads, answers.embeddings_BD)

    return policy
