"""What a stage2 model is made from and how it is trained: `model.network` of a training config.

Each part is a small class that a config names by `_target_`; `build.py` makes the network of them. No torch here, so
checking a config takes no time.
"""

from typing import Annotated, Literal, Self

from pydantic import Field, model_validator

from railyard.core.config.component import Component, PathKnob

Count = Annotated[int, Field(ge=1)]
Rate = Annotated[float, Field(ge=0, allow_inf_nan=False)]


class Weights(Component, abstract=True):
    """Where the weights and the tokenizer come from."""


class Folder(Weights):
    """A folder with a Qwen3-VL as transformers saves it; the `init/` of a run is one."""

    folder: PathKnob = Field(description="folder with config.json, safetensors and tokenizer.json")
    add_coordinates: bool = Field(
        False, description="give the model the coordinate tokens where its tokenizer lacks them, as public ones do"
    )


class Hub(Weights):
    """A model of the Hugging Face hub, downloaded once."""

    name: str = Field(description="its name there, as in Qwen/Qwen3-VL-2B-Instruct")
    revision: Annotated[str, Field(min_length=1)] = Field(
        description="commit or tag, so that the run can be repeated: main is a branch and moves"
    )
    add_coordinates: bool = Field(
        True, description="give the model the coordinate tokens where its tokenizer lacks them, as public ones do"
    )


class Random(Weights):
    """A small network with random weights and a tokenizer of its own: what a machine without a GPU trains."""

    hidden: Annotated[int, Field(ge=32, multiple_of=32)] = Field(128, description="width of the text layers")
    layers: Count = Field(3, description="text layers")
    heads: Count = Field(4, description="attention heads of a text layer")
    key_value_heads: Count = Field(2, description="heads of keys and values, each shared by several heads")
    vision_hidden: Annotated[int, Field(ge=32, multiple_of=8)] = Field(96, description="width of the vision layers")
    vision_layers: Count = Field(2, description="vision layers; what the first one sees is also fed to a text layer")
    tokenizer: PathKnob | None = Field(
        None, description="folder with a tokenizer.json; null: one is made from the prompt and the training texts"
    )
    entries: Annotated[int, Field(ge=300, le=100_000)] = Field(
        512, description="pieces of a tokenizer that is made, its 256 bytes included"
    )

    @model_validator(mode="after")
    def _heads_fit(self) -> Self:
        if self.hidden % self.heads or self.hidden // self.heads % 8:
            raise ValueError(
                f"hidden={self.hidden} over heads={self.heads}: each head takes a multiple of 8, e.g. 128 over 4"
            )
        if self.heads % self.key_value_heads:
            raise ValueError(f"heads={self.heads} is to be a multiple of key_value_heads={self.key_value_heads}")
        return self


class Tuning(Component, abstract=True):
    """Which weights are trained."""


class Full(Tuning):
    """All weights."""


class Lora(Tuning):
    """Low-rank adapters beside every linear layer, vision included, and the coordinates' rows (extra `lora`)."""

    rank: Count = Field(16, description="rank of an adapter")
    alpha: Annotated[float, Field(gt=0, allow_inf_nan=False)] = Field(
        32.0, description="an adapter's output counts alpha / rank"
    )
    dropout: Annotated[float, Field(ge=0, lt=1)] = Field(
        0.0, description="share of an adapter's input that is left out"
    )
    dora: bool = Field(False, description="also learn the length of each weight's rows (DoRA); slower")


class Rates(Component):
    """What the optimizer's learning rate is multiplied by, part by part; 0 freezes a part."""

    text: Rate = Field(1.0, description="text layers and embeddings")
    vision: Rate = Field(1.0, description="vision layers")
    merger: Rate = Field(1.0, description="what brings vision into the text layers")
    coordinates: Rate = Field(1.0, description="the embeddings of the coordinate tokens")


class Network(Component):
    """The network, which of it is trained, and how it runs."""

    weights: Weights = Field(description="where weights and tokenizer come from: a folder, the hub, or random ones")
    tuning: Tuning = Field(Full(), description="which weights are trained: all, or adapters")
    rates: Rates = Field(Rates(), description="learning rates of the parts, as shares of the optimizer's")
    dtype: Literal["float32", "bfloat16"] = Field(
        "float32", description="of the weights; bfloat16 is for adapters: small steps of a full training vanish in it"
    )
    attention: Literal["sdpa", "eager", "flash_attention_2"] = Field("sdpa", description="the attention's code")
    forwards: Literal["shared", "padded", "packed"] = Field(
        "shared",
        description="shared: what precedes the answers is computed once a step; padded: whole samples side by side; "
        "packed: whole samples end to end, without padding",
    )
    gradient_checkpointing: bool = Field(
        False, description="compute activations again in the backward pass: slower, less memory; not with shared"
    )

    @model_validator(mode="after")
    def _is_exact(self) -> Self:
        if self.gradient_checkpointing and self.forwards == "shared":
            raise ValueError(
                "gradient_checkpointing=true drops the keys and values that forwards=shared reads: set "
                "forwards=padded or forwards=packed, or leave gradient_checkpointing out"
            )
        return self
