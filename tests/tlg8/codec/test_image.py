import numpy as np
import pytest
from tlg8 import encoded

from railyard.tlg8.codec.file import read
from railyard.tlg8.codec.image import search_image
from railyard.tlg8.codec.selectors import Gated, Staged


def crop():
    return np.ascontiguousarray(read(encoded("sylvie_green"))[:, 100:301, 60:397])


@pytest.mark.parametrize("selector", [Gated(entropy="plain"), Staged(entropy="after")])
def test_threads_change_nothing_and_progress_reaches_the_end(selector):
    told = []
    planes = crop()
    one = search_image(planes, selector, progress=lambda done, total: told.append((done, total)))
    for ours, theirs in zip(one, search_image(planes, selector, threads=3), strict=True):
        np.testing.assert_array_equal(ours, theirs)
    blocks = 26 * 43
    assert len(one.ranks_N2) == blocks
    assert told[-1] == (blocks, blocks)
    assert [done for done, _ in told] == sorted({done for done, _ in told})
