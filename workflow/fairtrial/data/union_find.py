"""What belongs together: sets of numbers that are joined pair by pair (union-find)."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class UnionFind:
    """The numbers 0 … count-1, each alone at first. A set is told by its smallest number, so
    that the order of joining has no part in it."""

    def __init__(self, count: int) -> None:
        self._above: Numbers = np.arange(count, dtype=np.int64)

    def first(self, numbers: Any) -> Numbers:
        """The smallest number in the set of each of `numbers` (an array of any shape)."""
        found = self._above[numbers]
        while np.any((higher := self._above[found]) != found):
            found = higher
        self._above[numbers] = found
        return np.asarray(found)

    def join(self, a: int, b: int) -> bool:
        """Make the sets of two numbers one; False if they were one already."""
        one, other = sorted((int(self.first(a)), int(self.first(b))))
        self._above[other] = one
        return one != other

    def sets(self) -> list[list[int]]:
        """All sets, each sorted, by their smallest numbers."""
        found: dict[int, list[int]] = {}
        for number, first in enumerate(self.first(np.arange(len(self._above))).tolist()):
            found.setdefault(first, []).append(number)
        return list(found.values())
