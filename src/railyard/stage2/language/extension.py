"""Coordinate tokens for a tokenizer and a model that lack them.

On the public checkpoints some of the new ids fall on rows of the embedding that exist but were never trained, and the
others on fresh ones; all 1000 are set alike: bin k lies at 9k/999 on the straight line (least squares) through the
embeddings of the digits 0 to 9, so neighbours are neighbours from the first step. Needs no seed.
Legend: V ids, H hidden size, 10 = digits.
"""

from typing import TYPE_CHECKING, Any

from tokenizers import Tokenizer

from railyard.core.errors import UserError
from railyard.stage2.language.tokenizer import whole_token
from railyard.stage2.language.vocabulary import Vocabulary
from railyard.stage2.scenes.coordinates import BINS, TOKENS

if TYPE_CHECKING:
    import torch

WILDCARD = "<|coord_*|>"  # stands before the coordinates on public checkpoints that have them; never written


def add_coordinates(tokenizer: Tokenizer, wildcard: bool = True) -> Tokenizer:
    """A copy that has the coordinate tokens, those it lacks at the end, after `<|coord_*|>` if `wildcard`.

    One that is a piece of the base vocabulary keeps its id and is matched whole from then on.
    On a tokenizer of Qwen3-VL (151,669 ids) that is the layout of public checkpoints: the wildcard at 151669, the
    coordinates at 151670 to 152669.
    """
    extended = Tokenizer.from_str(tokenizer.to_str())
    wanted = (WILDCARD, *TOKENS) if wildcard else TOKENS
    extended.add_special_tokens([whole_token(text) for text in wanted])
    return extended


def extend_rows(weight_VH: "torch.Tensor", vocabulary: Vocabulary) -> "torch.Tensor":
    """The matrix with a row for every id of `vocabulary`: the coordinates' set, the other old ones kept.

    Fresh rows of other ids get the digits' mean. Same dtype and device, no gradient. Not for a model that was trained
    with coordinates: their rows are overwritten. Raises UserError if the digits are no single tokens with rows of their
    own, or if the coordinates' rows would not be finite and distinct.
    """
    import torch

    digits_10H = weight_VH.detach()[_digit_ids(vocabulary, len(weight_VH))].float()
    middle_H = digits_10H.mean(0)
    centred_10 = torch.arange(10.0, device=weight_VH.device) - 4.5
    slope_H = centred_10 @ digits_10H / (centred_10 @ centred_10)
    along_K = torch.linspace(-4.5, 4.5, BINS, device=weight_VH.device)

    fresh = max(len(vocabulary.pieces) - len(weight_VH), 0)
    extended = torch.cat([weight_VH.detach(), middle_H.to(weight_VH.dtype).expand(fresh, -1)])
    coord_ids = torch.from_numpy(vocabulary.coord_ids_1000).to(weight_VH.device)
    extended[coord_ids] = (middle_H + along_K[:, None] * slope_H).to(weight_VH.dtype)
    _check_rows(extended[coord_ids])
    return extended


def extend_model(model: Any, vocabulary: Vocabulary) -> None:
    """Gives a transformers model the rows of `extend_rows`; tied embeddings stay tied."""
    import torch

    weights = [model.get_input_embeddings().weight]
    if model.get_output_embeddings().weight is not weights[0]:
        weights.append(model.get_output_embeddings().weight)
    extended = [extend_rows(weight, vocabulary) for weight in weights]
    model.resize_token_embeddings(len(extended[0]), mean_resizing=False)
    with torch.no_grad():
        model.get_output_embeddings().weight.copy_(extended[-1])
        model.get_input_embeddings().weight.copy_(extended[0])


def _digit_ids(vocabulary: Vocabulary, rows: int) -> list[int]:
    ids = [vocabulary.encode(digit) for digit in "0123456789"]
    for digit, own in enumerate(ids):
        if len(own) != 1 or own[0] >= rows:
            raise UserError(
                f"the digit {digit} is encoded as {own} and the embedding has {rows} rows: "
                "expected one token with a row of its own; take the tokenizer that belongs to the model"
            )
    return [own[0] for own in ids]


def _check_rows(rows_KH: "torch.Tensor") -> None:
    import torch

    if not torch.isfinite(rows_KH).all():
        raise UserError("the embeddings of the digits are not finite: load the model's weights again")
    # each component goes one way along the line, so equal rows are neighbours
    distinct = 1 + int((rows_KH[1:] != rows_KH[:-1]).any(1).sum())
    if distinct < len(rows_KH):
        raise UserError(
            f"only {distinct} of the {len(rows_KH)} coordinates would have an embedding of their own: "
            "the digits' embeddings are too alike, so load trained weights first"
        )
