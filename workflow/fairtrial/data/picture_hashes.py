"""Perceptual hashes of pictures, as they are, mirrored and turned, and the pairs of close ones.

A hash has 64 bits, the signs of a picture's lowest cosine frequencies (the DCT hash of Zauner,
"Implementation and Benchmarking of Perceptual Image Hash Functions", 2010, 3.2.1). Pairs within
so many bits are found without comparing all with all: of one band more than bits may differ, one
must be equal (Norouzi, Punjani and Fleet, "Fast Search in Hamming Space with Multi-Index
Hashing", 2012). All arithmetic is on whole numbers, so that every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator
from itertools import product
from typing import NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.boxes import Box
from fairtrial.data.union_find import Numbers

SIDE = 32  # pixels of a picture's side
USED = 63  # bits of a hash in use: without the one of the mean brightness

Hashes = NDArray[np.uint64]
Pixels = NDArray[np.uint8]
Strengths = NDArray[np.float64]  # of frequencies down and across, n × 8 × 8
A = TypeVar("A", bound=np.generic)

_AT_ONCE = 1 << 22  # hashes compared in one step: 40 MB


class Turn(NamedTuple):
    """One of the eight ways to lay a square on itself: rows and columns are exchanged or not, then
    each of them is put in reverse order or not."""

    exchanged: bool
    upside_down: bool
    mirrored: bool

    def of(self, pictures: NDArray[A]) -> NDArray[A]:
        """Pictures, n × side × side, turned."""
        if self.exchanged:
            pictures = pictures.transpose(0, 2, 1)
        if self.upside_down:
            pictures = pictures[:, ::-1]
        return pictures[:, :, ::-1] if self.mirrored else pictures

    def of_box(self, box: Box) -> Box:
        """A box (x, y, width, height; shares of the picture's size) on the turned picture."""
        x, y, w, h = box
        if self.exchanged:
            x, y, w, h = y, x, h, w
        return 1 - x - w if self.mirrored else x, 1 - y - h if self.upside_down else y, w, h

    def of_strengths(self, strengths: Strengths) -> Strengths:
        """The strengths of turned pictures: a reversal changes the sign of odd frequencies."""
        if self.exchanged:
            strengths = strengths.transpose(0, 2, 1)
        signs = np.where(np.arange(8) % 2, -1.0, 1.0)
        if self.upside_down:
            strengths = strengths * signs[:, None]
        return strengths * signs if self.mirrored else strengths


TURNS = tuple(Turn(*kind) for kind in product((False, True), repeat=3))  # the first changes nothing
AS_IT_IS = TURNS[0]


def hashes(pixels: Pixels) -> Hashes:
    """The hash of each of n × 32 × 32 grey pictures."""
    return hashes_of(strengths_of(pixels))


def strengths_of(pixels: Pixels) -> Strengths:
    """The strengths of the lowest frequencies of n × 32 × 32 grey pictures: whole numbers."""
    steps = np.outer(np.arange(8), 2 * np.arange(SIDE) + 1)
    waves = np.round(1024 * np.cos(np.pi * steps / (2 * SIDE)))
    parts = [np.zeros((0, 8, 8))]
    for start in range(0, len(pixels), 4096):
        # whole numbers below 2^53: float64 is exact, in whichever order they are added
        parts.append(waves @ pixels[start : start + 4096].astype(np.float64) @ waves.T)
    return np.concatenate(parts)


def hashes_of(strengths: Strengths) -> Hashes:
    """Hashes by the strengths of the frequencies: which of them are above their median."""
    parts = [np.zeros(0, np.uint64)]
    for start in range(0, len(strengths), 4096):
        above = strengths[start : start + 4096].reshape(-1, USED + 1)[:, 1:]
        bits = above > np.partition(above, USED // 2, axis=1)[:, USED // 2, None]
        parts.append(np.packbits(np.pad(bits, ((0, 0), (1, 0))), axis=1).view(">u8").ravel())
    return np.concatenate(parts).astype(np.uint64)


def candidates(
    of_pictures: Hashes, most: int, of_turned: Hashes | None = None
) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs a < b of pictures whose hashes differ in at most `most` bits, each once.

    With `of_turned`, hashes of the same pictures turned, that of a is compared with the turned one
    of b. Yields arrays of equal length: the numbers of the first pictures, and of the second.
    """
    ones, others = _bands(of_pictures, most), None
    if of_turned is not None:
        others = _bands(of_turned, most)
    for band in range(most + 1):
        for a, b in _in_one_band(ones[band], others[band] if others is not None else None):
            for first, second in _close_pairs(of_pictures, of_turned, a, b, most):
                other = others if others is not None else ones
                earlier = (ones[:band, first] == other[:band, second]).any(axis=0)
                yield first[~earlier], second[~earlier]


def _bands(of_pictures: Hashes, most: int) -> Hashes:
    """Parts of the hashes that have no bit in common, one more than bits may differ."""
    bits = USED // (most + 1)
    mask = np.uint64(2**bits - 1)
    return np.stack([(of_pictures >> np.uint64(bits * band)) & mask for band in range(most + 1)])


def _in_one_band(part: Hashes, other: Hashes | None) -> Iterator[tuple[Numbers, Numbers]]:
    """The pictures that share a value of a band, value by value; without `other` twice the same."""
    groups = _by_value(part)
    if other is None:
        for members in groups.values():
            yield members, members
        return
    others = _by_value(other)
    for value in sorted(groups.keys() & others.keys()):
        yield groups[value], others[value]


def _by_value(part: Hashes) -> dict[int, Numbers]:
    """The numbers of the pictures that have each value, in rising order."""
    order = np.argsort(part, kind="stable")
    starts = np.flatnonzero(np.diff(part[order])) + 1
    return {int(part[members[0]]): members for members in np.split(order, starts) if len(members)}


def _close_pairs(
    of_pictures: Hashes, of_turned: Hashes | None, ones: Numbers, others: Numbers, most: int
) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs a < b, a among some pictures and b among others, compared all with all, in steps of
    bounded memory."""
    rows = max(1, _AT_ONCE // (len(others) + 1))
    compared = (of_pictures if of_turned is None else of_turned)[others]
    for start in range(0, len(ones), rows):
        ahead = start if of_turned is None else 0  # the pairs before it are the same ones
        bits = np.bitwise_count(
            of_pictures[ones[start : start + rows], None] ^ compared[None, ahead:]
        )
        at = np.flatnonzero(bits <= most)
        a, b = np.divmod(at, bits.shape[1])
        first, second = ones[start + a], others[ahead + b]
        later = first < second
        yield first[later], second[later]
