"""The kinds of tokenizers: the class of each, how it is fitted, and which one a file holds."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any, NamedTuple

from railyard.board.packs.pack import Pack
from railyard.board.tokens import fit, fit_ev_bins, json_fields
from railyard.board.tokens.ev_bins import EvBinTokenizer
from railyard.board.tokens.macroxue import MacroxueTokenizer
from railyard.board.tokens.percentile_margin import PercentileTokenizer
from railyard.board.tokens.played_move import PlayedMove
from railyard.board.tokens.tokenizer import Labels, Progress, Tokenizer
from railyard.core.errors import UserError

if TYPE_CHECKING:
    from railyard.board.tokens.config import FitTokenizer

log = logging.getLogger(__name__)


class Kind(NamedTuple):
    tokenizer: type[Tokenizer]
    fit: "Callable[[Pack, FitTokenizer, Progress | None], Tokenizer] | None"  # None: only read


def _fit_moves(pack: Pack, knobs: "FitTokenizer", progress: Progress | None) -> Tokenizer:
    tokenizer = fit.fit(pack, knobs.bins, knobs.failure_cutoff, knobs.illegal_policy, progress)
    if own := ", ".join(tokenizer.own_tables):
        log.warning("%s has tables of its own (%s): only Railyard reads such a file", knobs.out, own)
    return tokenizer


KINDS = {
    "ev_bins": Kind(
        EvBinTokenizer, lambda pack, knobs, progress: fit_ev_bins.fit(pack, knobs.ev_binner, progress=progress)
    ),
    "percentile_margin": Kind(PercentileTokenizer, None),
    "moves": Kind(MacroxueTokenizer, _fit_moves),
}


def load(path: Path | str) -> Tokenizer:
    """The tokenizer of a file. UserError names the file, the key and what was expected."""
    return json_fields.read(path, lambda document: _class_of(document).from_json(document))


def load_labels(path: Path | None) -> Labels:
    """The labels of a tokenizer file; without one the moves alone. UserError for a file that training cannot use."""
    return PlayedMove() if path is None else json_fields.read(path, labels_of)


def labels_of(document: Mapping[str, Any] | None) -> Labels:
    """The labels of a tokenizer file's JSON object, None stands for no file. UserError begins with the key."""
    if document is None:
        return PlayedMove()
    found = _class_of(document)
    if found is PercentileTokenizer:
        raise UserError(
            "version 1 gave poor models and is only read: fit a tokenizer of version 2 with "
            "`railyard tokenizer pack=… out=…`"
        )
    return found.from_json(document)


def _class_of(document: Mapping[str, Any]) -> type[Tokenizer]:
    """A document of no kind is read as the usual one, whose error names what is missing."""
    classes = (kind.tokenizer for kind in KINDS.values())
    return next((found for found in classes if found.is_of(document)), MacroxueTokenizer)
