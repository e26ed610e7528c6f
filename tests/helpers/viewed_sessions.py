"""Sessions that pages of the viewer are tested on: models over a pool of teacher rows, and over self-play."""

from pathlib import Path

from annotators import annotate, facts
from pools import as_selfplay, write_pool
from sampled import sample_games

from railyard.board.packs.pack import Pack

TOKENIZER = Path(__file__).resolve().parents[1] / "fixtures" / "board" / "04_tokenizer_v2_8.json"
STEPS = 400  # of each of the three games
USUAL = ("annotations", "student_bins", "metrics")


def viewed_sessions(folder: Path) -> Path:
    """Makes them below a folder, by models that are functions of the board; their root.

    first and second are over the whole pool, begun over its first 500 rows, own over self-play.
    """
    games = sample_games(folder / "games", STEPS)
    rows, runs, _ = as_selfplay(Pack.open(games))
    own = write_pool(folder / "own_play", rows, runs)
    out = folder / "annotations"
    said = facts(bins=11, heads=(("p_die", 1),))
    annotate(games, out, tag="first", said=said, products=[*USUAL, "value_heads"], tokenizer=TOKENIZER)
    annotate(games, out, tag="second", said=facts(bins=11, name="second"), products=list(USUAL))
    annotate(games, out, tag="begun", said=facts(bins=11, name="begun"), products=list(USUAL), limit=500)
    annotate(own, out, tag="own", said=facts(bins=11), products=list(USUAL))
    return out
