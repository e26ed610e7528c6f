"""How the rows of an epoch are shuffled when not all at once: the knobs of an order of `core.order`."""

from typing import TYPE_CHECKING, Annotated

from pydantic import Field

from railyard.core.config.component import Component

if TYPE_CHECKING:
    from railyard.core.store.order import WindowedOrder


class Shuffling(Component, abstract=True):
    """A seeded order of all rows."""

    def order(self, rows: int, key: int) -> "WindowedOrder":
        """The order of `rows` rows that `key` chooses."""
        raise NotImplementedError


class Windowed(Shuffling):
    """For packs larger than memory: blocks in random order, rows in random order within a window of blocks.

    Two windows are in memory, one being read ahead, and three for a moment. Of a batch of 512 a row meets about
    511 / window_blocks others of its own block, mostly of its own game: half a row by default, where a full
    permutation of a large pack has next to none. Fewer, larger blocks suit a slow disk; more, smaller ones mix better.
    """

    block_rows: Annotated[int, Field(ge=1)] = Field(
        4096, description="rows that the disk reads in one go: 188 KB of a pack's by default"
    )
    window_blocks: Annotated[int, Field(ge=1)] = Field(
        1024,
        description="blocks whose rows are mixed; three such windows have to fit in memory, 193 MB each by default",
    )

    def order(self, rows: int, key: int) -> "WindowedOrder":
        from railyard.core.store.order import WindowedOrder

        return WindowedOrder(rows, key, self.block_rows, self.window_blocks)
