"""A model as a player's policy. Apart from `model/inference.py`, since a server has no use for what players need."""

from railyard.board.game.players import Answer
from railyard.board.model.answers import Wanted, split_values
from railyard.board.model.encoder import BoardEncoder
from railyard.board.model.inference import AnsweringModel
from railyard.core.arrays import U8
from railyard.core.errors import UserError


class ModelPolicy:
    """A model as a player's policy (`game/players.py`); passes have as many rows as it is asked for boards.

    precision: as of an AnsweringModel. embeddings, values: what an answer holds beside the heads; the values of a model
    without value heads are an empty mapping. UserError for a board with a tile that the model has no token for.
    """

    def __init__(
        self,
        model: BoardEncoder,
        device: str,
        precision: str = "fp32",
        embeddings: bool = False,
        values: bool = False,
    ) -> None:
        self._answering, self._wanted = (
            AnsweringModel(model, device, precision),
            Wanted(True, False, values, embeddings),
        )
        self._config = model.config

    def __call__(self, exponents_B16: U8) -> Answer:
        self._check(int(exponents_B16.max(initial=0)))
        answers = self._answering.answer(exponents_B16, len(exponents_B16), self._wanted)
        assert answers.probabilities_B4N is not None
        is_binned = self._config.head_type == "binned_ev"
        heads = answers.probabilities_B4N if is_binned else answers.probabilities_B4N[:, :, 0]
        values = None
        if answers.values_BV is not None:
            values = split_values(answers.values_BV, [(head.name, head.dim) for head in self._config.value_heads])
        return Answer(heads, answers.embeddings_BD, values)

    def _check(self, highest: int) -> None:
        known = self._config.input_vocab_size
        if highest >= known:
            raise UserError(
                f"a board holds a tile of {1 << highest:,}, exponent {highest}, but this model knows exponents below "
                f"{known} (input_vocab_size): end games before with max_moves=, or train one that knows 18"
            )
