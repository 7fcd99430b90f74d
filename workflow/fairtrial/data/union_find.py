"""Union-find: sets of numbers that are united pair by pair."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

Numbers = NDArray[np.int64]


class UnionFind:
    """The numbers 0 … count-1, each in a set of its own at first.

    The root of a set is its smallest number, so that the order of the unions has no part in it.
    """

    def __init__(self, count: int) -> None:
        self._parents: Numbers = np.arange(count, dtype=np.int64)

    def find(self, number: int) -> int:
        """The root of the set of a number."""
        return int(self.find_all(np.array([number]))[0])

    def find_all(self, numbers: Numbers) -> Numbers:
        """The root of the set of each number, in an array of the same shape."""
        roots = self._parents[numbers]
        while np.any((parents := self._parents[roots]) != roots):
            roots = parents
        self._parents[numbers] = roots
        return roots

    def union(self, a: int, b: int) -> bool:
        """Unite the sets of two numbers. Returns False if they were one already."""
        root, other = sorted((self.find(a), self.find(b)))
        self._parents[other] = root
        return root != other

    def components(self) -> list[list[int]]:
        """All sets, each sorted, by their smallest numbers."""
        members: dict[int, list[int]] = {}
        roots = self.find_all(np.arange(len(self._parents)))
        for number, root in enumerate(roots.tolist()):
            members.setdefault(root, []).append(number)
        return list(members.values())


def joined(sets: Sequence[Sequence[int]]) -> list[list[int]]:
    """The sets, of two or more numbers, with those united that share a number; each sorted."""
    together = UnionFind(max((number for members in sets for number in members), default=-1) + 1)
    for first, *others in sets:
        for other in others:
            together.union(first, other)
    return [members for members in together.components() if len(members) > 1]
