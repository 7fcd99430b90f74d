"""The search for copies among the images of a source.

Exact: files with the same bytes. Near: other files that show the same picture (saved anew,
scaled, in grey, brighter), confirmed on the pixels. Doubtful: pairs so alike that a person
should look: frames of one scene, a trimmed copy, two pictures without contrast. Turned and
mirrored copies are not looked for.

Candidates come from a perceptual hash of 64 bits, the signs of an image's lowest cosine
frequencies (the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image
Hash Functions", 2010, 3.2.1). Pairs within MOST_BITS bits are found without comparing all with
all: of nine bands of a hash one must then be equal (Norouzi, Punjani and Fleet, "Fast Search
in Hamming Space with Multi-Index Hashing", 2012). All arithmetic is on whole numbers, so that
every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.duplicates import DoubtfulPair, Duplicates
from fairtrial.data.union_find import Numbers, UnionFind

if TYPE_CHECKING:
    from PIL.Image import Image

Thumbnail = bytes  # SIDE × SIDE grey levels, row by row

SIDE = 32  # pixels
MOST_BITS = (
    8  # in which candidates differ: saving anew and scaling change up to 4, a crop of 1 % up to 8
)
BANDS, BITS = 9, 7  # one band more than bits may differ; 9 · 7 = the 63 bits that are in use

# Differences of two pictures cell by cell, in thousandths of their contrast (the standard
# deviation of the grey levels). Tuned on photographs, blood smears and angiograms: saving as
# JPEG of quality 30, half the size, noise and less contrast stay below 50 on average and 460
# in each cell; the next frame of an angiogram is at 59 and 830 at least, and of unlike
# pictures within MOST_BITS bits the closest at 300.
SAME, SAME_CELL, ALIKE = 50, 500, 250
FLAT = 4  # grey levels: with less contrast than this there is too little to see

Hashes = NDArray[np.uint64]
Pixels = NDArray[np.uint8]

_AT_ONCE = 1 << 22  # hashes compared in one step: 40 MB


def thumbnail(image: Image) -> Thumbnail:
    """The decoded image in grey, shrunk to 32 × 32, by which duplicates are found."""
    from PIL import Image as images

    grey = image.convert("L")
    return grey.resize((SIDE, SIDE), images.Resampling.BOX).tobytes()


def find_duplicates(contents: Mapping[str, str], thumbnails: Mapping[str, Thumbnail]) -> Duplicates:
    """The duplicates of a source.

    `contents`: SHA-256 by file name; `thumbnails`: thumbnail by file name. Images of one cluster
    are no doubtful pairs. Of the doubtful pairs only so many are listed as
    connect all that are alike (a spanning forest, closest first): if two images of such a set
    are in two splits, so is at least one listed pair.
    """
    files = sorted(contents)
    same: dict[str, list[str]] = {}
    for file in files:
        same.setdefault(contents[file], []).append(file)
    firsts = [copies[0] for copies in same.values()]
    pixels = np.frombuffer(b"".join(thumbnails[file] for file in firsts), np.uint8)
    near, doubtful = _alike(pixels.reshape(-1, SIDE, SIDE))
    return Duplicates(
        exact=sorted(copies for copies in same.values() if len(copies) > 1),
        near=sorted(sorted(f for i in c for f in same[contents[firsts[i]]]) for c in near),
        doubtful=[
            DoubtfulPair(a=firsts[a], b=firsts[b], distance=bits, difference=mean / 1000)
            for mean, a, b, bits in doubtful
        ],
    )


def hashes(pixels: Pixels) -> Hashes:
    """The 64-bit hash of each of n × 32 × 32 grey pictures."""
    steps = np.outer(np.arange(8), 2 * np.arange(SIDE) + 1)
    waves = np.round(1024 * np.cos(np.pi * steps / (2 * SIDE)))
    parts = [np.zeros(0, np.uint64)]
    for start in range(0, len(pixels), 4096):
        # whole numbers below 2^53: float64 is exact, in whichever order they are added
        strengths = waves @ pixels[start : start + 4096].astype(np.float64) @ waves.T
        strengths = strengths.reshape(-1, 64)[:, 1:]  # without the mean brightness
        bits = strengths > np.median(strengths, axis=1, keepdims=True)
        parts.append(np.packbits(np.pad(bits, ((0, 0), (1, 0))), axis=1).view(">u8").ravel())
    return np.concatenate(parts).astype(np.uint64)


def candidates(all_hashes: Hashes, most: int = MOST_BITS) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs a < b of hashes that differ in at most `most` (≤ 8) bits, each once.

    Yields arrays of equal length: the numbers of the first hashes, and of the second.
    """
    parts = np.stack(
        [(all_hashes >> np.uint64(BITS * k)) & np.uint64(2**BITS - 1) for k in range(BANDS)]
    )
    for band, part in enumerate(parts):
        order = np.argsort(part, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            for a, b in _close_pairs(all_hashes, members, most):
                earlier = (parts[:band, a] == parts[:band, b]).any(axis=0)
                yield a[~earlier], b[~earlier]


def _close_pairs(
    all_hashes: Hashes, members: Numbers, most: int
) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs a < b among some hashes, compared all with all, in steps of bounded memory."""
    rows = max(1, _AT_ONCE // (len(members) + 1))
    compared = all_hashes[members]
    for start in range(0, len(members) - 1, rows):
        ahead = compared[start:]
        bits = np.bitwise_count(compared[start : start + rows, None] ^ ahead[None])
        a, b = np.nonzero(bits <= most)
        later = a < b
        yield members[start + a[later]], members[start + b[later]]


def _alike(pixels: Pixels) -> tuple[list[list[int]], list[tuple[int, int, int, int]]]:
    """Clusters of pictures that are the same; doubtful pairs: difference, a, b, bits.

    `pixels`: grey levels, n × 32 × 32. A difference is in thousandths of the contrast.
    """
    all_hashes, (fine, flat) = hashes(pixels), contrasts(pixels)
    coarse = np.rint(fine.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4))).astype(np.int16)
    same, alike = UnionFind(len(pixels)), UnionFind(len(pixels))
    doubtful = []
    for pairs in _in_steps(candidates(all_hashes)):
        least = _differences(coarse, *pairs)[0] - 1  # larger cells differ less, but for rounding
        a, b = _undecided(*pairs, least, same, alike)
        mean, worst = _differences(fine, a, b)
        sure = (mean <= SAME) & (worst <= SAME_CELL) & ~flat[a] & ~flat[b]
        for first, second in zip(a[sure].tolist(), b[sure].tolist(), strict=True):
            same.union(first, second)
            alike.union(first, second)
        bits = np.bitwise_count(all_hashes[a] ^ all_hashes[b])
        rows = np.stack([mean, a, b, bits], axis=1)[~sure & (mean <= ALIKE)].tolist()
        doubtful += [tuple(row) for row in sorted(rows) if alike.union(row[1], row[2])]
    clusters = [members for members in same.components() if len(members) > 1]
    return clusters, [row for row in sorted(doubtful) if same.union(row[1], row[2])]


def _in_steps(pairs: Iterator[tuple[Numbers, Numbers]]) -> Iterator[tuple[Numbers, Numbers]]:
    """The same pairs in arrays of at most 1024."""
    for a, b in pairs:
        for start in range(0, len(a), 1024):
            yield a[start : start + 1024], b[start : start + 1024]


def _undecided(
    a: Numbers, b: Numbers, least: Numbers, same: UnionFind, alike: UnionFind
) -> tuple[Numbers, Numbers]:
    """The pairs that may still unite anything, by the least difference that they can have."""
    undecided = (least <= SAME) & (same.find_all(a) != same.find_all(b))
    undecided |= (least <= ALIKE) & (alike.find_all(a) != alike.find_all(b))
    return a[undecided], b[undecided]


def _differences(cells: NDArray[np.int16], a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
    """The mean (rounded down) and the largest difference of pairs of pictures, by cell."""
    apart = np.abs(cells[a].astype(np.int32) - cells[b]).reshape(len(a), cells[0].size)
    return apart.sum(axis=1, dtype=np.int64) // cells[0].size, apart.max(axis=1)


def contrasts(pixels: Pixels) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Pictures with equal contrast, n × 32 × 32, and whether each is flat, (n,).

    Grey levels around their mean, in thousandths of their standard deviation. In a flat picture,
    where that is below FLAT, around 128 and in thousandths of FLAT.
    """
    scaled, is_flat = np.empty(pixels.shape, np.int16), np.empty(len(pixels), np.bool_)
    cells = SIDE**2
    for start in range(0, len(pixels), 1024):
        levels = pixels[start : start + 1024].astype(np.int64)
        total = levels.sum(axis=(1, 2), keepdims=True)
        spread = cells * (levels**2).sum(axis=(1, 2), keepdims=True) - total**2
        flat = spread < (FLAT * cells) ** 2
        scale = np.where(flat, FLAT * cells, np.sqrt(spread.astype(np.float64)))
        centre = np.where(flat, 128 * cells, total)
        scaled[start : start + 1024] = np.rint(1000 * (cells * levels - centre) / scale)
        is_flat[start : start + 1024] = flat[:, 0, 0]
    return scaled, is_flat
