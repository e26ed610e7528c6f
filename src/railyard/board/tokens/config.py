"""The verbs `railyard tokenizer` (fit one to a pack) and `railyard tokenize` (apply one to a pack)."""

from collections.abc import Callable
from typing import Any, Literal

from pydantic import Field, field_validator

from railyard.board.tokens.ev_binner import EvBinner
from railyard.board.tokens.tokenizer_json import MAX_BINS
from railyard.core.config.component import PathKnob
from railyard.core.verbs.verb import Work

Progress = Callable[[int, int], None]  # rows done, rows in all


class FitTokenizer(Work):
    """`railyard tokenizer`: fits a tokenizer to a pack."""

    unit = "rows read"

    pack: PathKnob = Field(description="the pack whose moves the bins are fitted to")
    out: PathKnob = Field(description="the file to write, usually tokenizer.json; another one that is there stays")
    kind: Literal["moves", "ev_bins"] = Field(
        "moves",
        description="moves: classes by how much worse a move is than the one played, for the objective "
        "macroxue_tokens; ev_bins: classes of the percentile of each move's value, for binned_ev",
    )
    ev_binner: EvBinner = Field(
        EvBinner(edges=[share / 32 for share in range(33)]),
        description="of kind=ev_bins: which percentiles make a class; percentiles are spread evenly, so are these",
    )
    bins: int = Field(
        32, ge=2, le=MAX_BINS, description="grades of moves that are legal, not lost and not the one played"
    )
    failure_cutoff: int = Field(
        -1500,
        ge=-(2**31),
        le=0,
        description="a search move this many points below the board's own value counts as lost",
    )
    illegal_policy: Literal["illegal", "last_bin"] = Field(
        "illegal",
        description="the class of illegal moves: ILLEGAL everywhere, or on tuple rows the last bin, the reference's "
        "rule, for models that continue its training",
    )

    def run(self, progress: Progress | None = None) -> dict[str, Any]:
        """Writes the tokenizer; its description is the result."""
        from railyard.board.packs.pack import Pack
        from railyard.board.tokens.registry import KINDS

        fit = KINDS[self.kind].fit
        assert fit is not None
        tokenizer = fit(Pack.open(self.pack), self, progress)
        tokenizer.save(self.out)
        return {"out": str(self.out), **tokenizer.describe()}


class Tokenize(Work):
    """`railyard tokenize`: the classes of a pack's rows as one array, uint8 [rows, 4]."""

    unit = "rows"

    tokenizer: PathKnob = Field(description="a tokenizer.json of any kind, also of version 1")
    pack: PathKnob = Field(description="the pack to tokenize")
    out: PathKnob = Field(description="the .npy file to write; another one that is there stays")

    @field_validator("out")
    @classmethod
    def _is_npy(cls, out: PathKnob) -> PathKnob:
        if out.suffix != ".npy":
            raise ValueError(f"out={out} must end in .npy, as in out=tokens.npy")
        return out

    def run(self, progress: Progress | None = None) -> dict[str, Any]:
        """Writes the tokens in the order of the pack's rows; memory does not grow with the pack."""
        from railyard.board.packs.pack import Pack
        from railyard.board.tokens import registry

        tokenizer, pack = registry.load(self.tokenizer), Pack.open(self.pack)
        counts = tokenizer.encode_pack(pack, self.out, progress)
        return {
            "out": str(self.out),
            "rows": len(pack),
            "tokenizer": tokenizer.fingerprint(),
            "classes": {name: int(counts[token]) for token, name in tokenizer.class_names.items()},
        }
