"""An image's tuples: cuts planes into blocks, has them searched in threads, puts the answers together.

planes: uint8 [C, H, W] in the order of the file: R, G, B, or A, R, G, B. Blocks come in the order of the
file (`blocks.blocks_of`). Compiled code releases the GIL, so threads suffice.
"""

from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor

from railyard.core.arrays import U8
from railyard.tlg8.codec.blocks import blocks_of, sizes_of
from railyard.tlg8.codec.contexts import contexts_of
from railyard.tlg8.codec.found import Found
from railyard.tlg8.codec.selectors import Selector

BLOCKS_AT_ONCE = 128  # 30 ms of work or less: threads end together


def search_image(
    planes_CHW: U8, selector: Selector, threads: int = 1, progress: Callable[[int, int], None] | None = None
) -> Found:
    """Best and second tuple of every block; `progress` gets blocks done and blocks in all."""
    components, height, width = planes_CHW.shape
    blocks = blocks_of(width, height)

    def search(first: int) -> Found:
        part = blocks[first : first + BLOCKS_AT_ONCE]
        return selector.find(contexts_of(planes_CHW, part), sizes_of(part), components)

    parts: list[Found] = []
    done = 0
    with ThreadPoolExecutor(threads) as pool:
        starts = range(0, len(blocks), BLOCKS_AT_ONCE)
        for part in map(search, starts) if threads == 1 else pool.map(search, starts):
            parts.append(part)
            done += len(part.evaluations_N)
            if progress is not None:
                progress(done, len(blocks))
    return Found.joined(parts)
