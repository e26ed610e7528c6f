"""What a number of games comes to."""

from railyard.board.game.figures import Results


def results(scores, tiles=None, ended="no legal move"):
    found = Results()
    for score, tile in zip(scores, tiles or [2048] * len(scores), strict=True):
        found.note(score, 10, tile, ended)
    return found


def test_shares_and_ends():
    found = results([100, 200, 300, 400], [1024, 2048, 4096, 4096])
    found.note(900, 50, 65536, "max_moves reached")
    figures = found.figures()
    assert [figures[f"reach_{tile}"] for tile in (2048, 4096, 8192, 65536)] == [0.8, 0.6, 0.2, 0.2]
    assert (figures["games"], figures["moves"], figures["mean_score"], figures["median_score"]) == (5, 90, 380, 300)
    assert figures["ended"] == {"no legal move": 4, "max_moves reached": 1}
