"""What a run with `data.rejection` will draw, in lines of the plan: phases, mixes, lengths of epochs, warnings."""

from collections.abc import Callable, Iterator
from itertools import groupby

from railyard.board.packs.pack import Pack
from railyard.board.training.rejection.config import ResolvedMix, ResolvedPhase
from railyard.board.training.rejection.mixes import Mixes, OpenMix
from railyard.core.training.shares import Shares

Lines = list[tuple[str, str]]
MOST_STRETCHES = 6  # of epochs of one length, told apart


def planned(mixes: Mixes, shares: Shares, epochs: int, cut: Callable[[int], int]) -> Lines:
    """A line for each phase and each mix in it; `epochs` are those of the run, `cut` the batches that each runs."""
    found: Lines = []
    for number, phase in enumerate(mixes.phases):
        found.append(("phase", f"{number + 1}, {_when(phase)}: {_lengths(phase, epochs, cut)}"))
        for mix in phase.mixes:
            found.append(("mix", _mix_line(mixes, shares, phase.first_epoch, mixes.names.index(mix.id))))
    return found


def _when(phase: ResolvedPhase) -> str:
    if phase.until_epoch is None:
        return f"from epoch {phase.first_epoch}" if phase.first_epoch else "all epochs"
    return f"epochs {phase.first_epoch} to {phase.until_epoch - 1}"


def _lengths(phase: ResolvedPhase, epochs: int, cut: Callable[[int], int]) -> str:
    """Batches of each epoch of the phase that the run comes to, equal ones together."""
    stop = epochs if phase.until_epoch is None else min(epochs, phase.until_epoch)
    if stop <= phase.first_epoch:
        return "the run ends before"
    stretches = [(size, list(same)) for size, same in groupby(range(phase.first_epoch, stop), key=cut)]
    if len(stretches) == 1:
        return f"{stretches[0][0]:,} batches an epoch"
    told = [f"{size:,} in {_span(same)}" for size, same in stretches[:MOST_STRETCHES]]
    sizes = {size for size, _ in stretches}
    rest = f", then {min(sizes):,} to {max(sizes):,}" if len(stretches) > MOST_STRETCHES else ""
    return f"batches of an epoch: {', '.join(told)}{rest}"


def _span(epochs: list[int]) -> str:
    return f"epoch {epochs[0]}" if len(epochs) == 1 else f"epochs {epochs[0]} to {epochs[-1]}"


def _mix_line(mixes: Mixes, shares: Shares, epoch: int, number: int) -> str:
    one = mixes.mixes[number]
    have, drawn = shares.rows[number], shares.drawn(epoch)[number]
    clipped = shares.wanted(epoch)[number] - shares.available(epoch)[number]
    return (
        f"{one.mix.id}: {one.matched()}, {one.selection.matched:,} of {len(one.pack):,} rows of {one.pack.path}, "
        f"{have:,} to train on; {drawn:,} an epoch, {max(0, drawn - have):,} repeated, {clipped:,} clipped"
    )


def warnings_of(mixes: Mixes, shares: Shares, primary: Pack) -> list[str]:
    """What a user should know of the mixes: empty ones, repeated rows, clipped ones, a primary pack that no mix reads
    annotations of.
    """
    return [*_of_selections(mixes.mixes), *_of_phases(mixes, shares), *_of_primary(mixes, primary)]


def _of_selections(mixes: tuple[OpenMix, ...]) -> Iterator[str]:
    for one in mixes:
        yield from (f"mix {one.mix.id}: {text}" for text in one.selection.warnings)


def _of_phases(mixes: Mixes, shares: Shares) -> Iterator[str]:
    for number, phase in enumerate(mixes.phases):
        wanted, available = shares.wanted(phase.first_epoch), shares.available(phase.first_epoch)
        for mix in phase.mixes:
            at = mixes.names.index(mix.id)
            if text := _shortfall(mix, shares.rows[at], wanted[at], available[at]):
                yield f"phase {number + 1}: {text}"


def _shortfall(mix: ResolvedMix, rows: int, wanted: int, available: int) -> str:
    if rows == 0:
        return f"mix {mix.id} has no rows to train on: its {wanted:,} rows an epoch are left out"
    if available > rows:
        return f"mix {mix.id} has {rows:,} rows for {wanted:,} an epoch: each is repeated {wanted / rows:.1f} times"
    if available < wanted:
        return (
            f"mix {mix.id} has {rows:,} rows for {wanted:,} an epoch: the epoch is {wanted - available:,} rows "
            "shorter; upsample: true repeats them"
        )
    return ""


def _of_primary(mixes: Mixes, primary: Pack) -> Iterator[str]:
    if not any(one.pack is primary and one.mix.annotation is not None for one in mixes.mixes):
        yield f"no mix reads annotations of data.pack={primary.path}, which supplies validation"
