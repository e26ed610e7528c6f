"""The shape of an encoder: the fields of `config.json` in an init folder, and the knobs of `model=board_encoder`.

Read by `model/encoder.py` (the network), `model/init_folder.py` (the folder) and the plan of a run, which
counts parameters by `parameter_count` without loading torch.
"""

from collections.abc import Iterable
from typing import Annotated, Any, Literal, Self

from pydantic import Field, model_validator

from railyard.core.config.component import Component
from railyard.core.errors import UserError

CELLS = 16
WIDEST, MOST_LAYERS = 2**16, 1024
MOST_PARAMETERS = 2**31  # 8 GiB; a file of a few bytes can ask for any number
HEADS = 4  # one head a move, in the order Up, Down, Left, Right
MOST_VALUE_HEADS = 64
ValueName = Annotated[str, Field(pattern=r"^[A-Za-z_][A-Za-z0-9_]*$", max_length=64)]


class ValueHead(Component):
    """A head beside those of the moves, as `config.json` lists it."""

    name: ValueName = Field(description="part of the names of its weights and figures")
    dim: Annotated[int, Field(ge=1, le=WIDEST)] = Field(1, description="logits a board")


class Encoder(Component):
    """The encoder of a 2048 board; the names and their order are those of `config.json`.

    The defaults are the size known as "10m" with binned heads. A fault names the key, what it was and what
    is allowed.
    """

    input_vocab_size: int = Field(
        18, ge=2, le=WIDEST, description="exponents the embedding knows; 18 covers 0 to 17, which a chain can reach"
    )
    output_n_bins: int | None = Field(
        None, ge=1, le=WIDEST, description="classes of each head of binned_ev; null takes the tokenizer's number"
    )
    hidden_size: int = Field(288, ge=1, le=WIDEST, description="width of the residual stream")
    num_hidden_layers: int = Field(10, ge=1, le=MOST_LAYERS, description="attention and feed-forward blocks")
    num_attention_heads: int = Field(6, ge=1, description="query heads; divides hidden_size")
    intermediate_size: int = Field(1152, ge=1, le=WIDEST, description="width inside SwiGLU")
    layer_norm_eps: float = Field(1e-6, gt=0, description="epsilon of every RMSNorm")
    dropout_prob: float = Field(0.1, ge=0, lt=1, description="dropout after attention and after SwiGLU while training")
    num_key_value_heads: int | None = Field(
        2, ge=1, description="key and value heads, shared by the query heads; null gives every query its own"
    )
    attention_dropout_prob: float = Field(
        0.0, ge=0, lt=1, description="dropout of attention weights; has no effect with attention sinks"
    )
    use_attention_sinks: bool = Field(
        False, description="one learned logit a head that may take attention and gives nothing"
    )
    use_qk_norm: bool = Field(False, description="RMSNorm over each query and key head")
    max_position_embeddings: int = Field(
        CELLS, ge=CELLS, le=WIDEST, description="rows of the position table; a board has 16 cells"
    )
    head_type: Literal["binned_ev", "action_policy"] = Field(
        "binned_ev", description="binned_ev: four heads of output_n_bins classes; action_policy: one logit a move"
    )
    value_heads: list[ValueHead] = Field(
        [], max_length=MOST_VALUE_HEADS, description="as config.json lists them; a run says model.value_heads instead"
    )

    @property
    def key_value_heads(self) -> int:
        return self.num_key_value_heads or self.num_attention_heads

    @property
    def head_dim(self) -> int:
        return self.hidden_size // self.num_attention_heads

    @model_validator(mode="after")
    def _heads_divide(self) -> Self:
        if self.hidden_size % self.num_attention_heads:
            raise ValueError(
                f"num_attention_heads={self.num_attention_heads} must divide hidden_size={self.hidden_size}"
            )
        if self.num_attention_heads % self.key_value_heads:
            raise ValueError(
                f"num_key_value_heads={self.num_key_value_heads} must divide "
                f"num_attention_heads={self.num_attention_heads}"
            )
        names = [head.name for head in self.value_heads]
        if twice := next((name for name in names if names.count(name) > 1), None):
            raise ValueError(f"value_heads has two heads of the name {twice}: give each its own")
        count = parameter_count(self.model_copy(update={"output_n_bins": self.output_n_bins or 1}))
        if count > MOST_PARAMETERS:
            raise ValueError(
                f"hidden_size={self.hidden_size}, intermediate_size={self.intermediate_size} and num_hidden_layers="
                f"{self.num_hidden_layers} make {count:,} parameters; at most {MOST_PARAMETERS:,} are built"
            )
        return self

    @property
    def n_bins(self) -> int:
        """Classes a binned head has. UserError where it is not set yet."""
        if self.output_n_bins is None:
            raise UserError(
                "output_n_bins is null with head_type=binned_ev: set it to the number of classes of the "
                "tokenizer (its bins + 3), or use head_type=action_policy"
            )
        return self.output_n_bins

    def with_bins(self, n_bins: int) -> "Encoder":
        """The same encoder for a tokenizer of `n_bins` classes. UserError where it was made for others.

        An action_policy has no classes and stays as it is.
        """
        if self.head_type == "action_policy":
            return self
        if self.output_n_bins not in (None, n_bins):
            raise UserError(
                f"output_n_bins={self.output_n_bins} does not fit the tokenizer, which has {n_bins} classes: "
                "leave it out, or name the tokenizer it was made for"
            )
        return self.model_copy(update={"output_n_bins": n_bins})

    def with_value_heads(self, names: Iterable[str]) -> "Encoder":
        """The same encoder with one head of one logit for each name, in their order, and no other."""
        return self.model_copy(update={"value_heads": [ValueHead(name=name) for name in names]})

    def to_json(self) -> dict[str, Any]:
        """The fields of `config.json`; `value_heads` is among them only where there are any."""
        return self.model_dump(exclude=None if self.value_heads else {"value_heads"})


def parameter_count(config: Encoder) -> int:
    """Parameters of the network that `config` describes, by formula."""
    blocks = config.num_hidden_layers * _block_parameters(config)
    tables = (config.input_vocab_size + config.max_position_embeddings) * config.hidden_size
    outputs = HEADS if config.head_type == "action_policy" else HEADS * config.n_bins
    outputs += sum(head.dim for head in config.value_heads)
    return tables + blocks + config.hidden_size + outputs * (config.hidden_size + 1)


def _block_parameters(config: Encoder) -> int:
    width = config.hidden_size
    attention = 2 * width * width + 2 * width * config.key_value_heads * config.head_dim
    sinks = config.num_attention_heads if config.use_attention_sinks else 0
    qk_norm = 2 * config.head_dim if config.use_qk_norm else 0
    norms = 2 * width
    return attention + sinks + qk_norm + 3 * width * config.intermediate_size + norms
