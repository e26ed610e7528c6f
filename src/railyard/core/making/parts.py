"""`part=i/n`: the i-th of n equal shares of a job, so that machines may divide it among them."""

import re
from dataclasses import dataclass


@dataclass(frozen=True)
class Part:
    """Share `index` of `count`, from 0."""

    index: int
    count: int

    @classmethod
    def parse(cls, text: str) -> "Part":
        """The part of `i/n`; ValueError says what is wrong with it."""
        found = re.fullmatch(r"(\d{1,6})/(\d{1,6})", text)
        if not found:
            raise ValueError(f"expected i/n as in part=0/2 and part=1/2, got {text!r}")
        part = cls(int(found[1]), int(found[2]))
        if part.index >= part.count:
            last = f"0/{part.count} to {part.count - 1}/{part.count}" if part.count else "0/1"
            raise ValueError(f"expected one of {last}, got {text}: parts are counted from 0")
        return part

    def of(self, items: int) -> range:
        """This part's stretch of `range(items)`: all parts' stretches in turn are the whole."""
        return range(items * self.index // self.count, items * (self.index + 1) // self.count)

    def __str__(self) -> str:
        return f"{self.index}/{self.count}"
