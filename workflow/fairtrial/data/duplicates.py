"""Which images of a source are copies of one another.

Exact: files with the same bytes. Near: other files that show the same picture (saved anew,
scaled, in grey, brighter), confirmed on the pixels. Doubtful: pairs so alike that a person
should look: frames of one scene, a trimmed copy, two pictures without contrast. Turned and
mirrored copies are not looked for.

Candidates come from a perceptual hash of 64 bits, the signs of an image's lowest cosine
frequencies (the DCT hash of Zauner, "Implementation and Benchmarking of Perceptual Image
Hash Functions", 2010, 3.2.1). Pairs within SEARCHED bits are found without comparing all with
all: of nine parts of a hash one must then be equal (Norouzi, Punjani and Fleet, "Fast Search
in Hamming Space with Multi-Index Hashing", 2012). All arithmetic is on whole numbers, so that
every machine finds the same.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from fairtrial.data.union_find import Numbers, UnionFind

if TYPE_CHECKING:
    from PIL.Image import Image

Look = bytes  # what `look` keeps of an image: SIDE × SIDE grey levels

SIDE = 32
SEARCHED = 8  # bits: saving anew and scaling change up to 4, a crop of 1 % up to 8
BANDS, BITS = 9, 7  # one part more than bits may differ; 9 · 7 = the 63 bits that are in use

# Differences of two pictures cell by cell, in thousandths of their contrast (the standard
# deviation of the grey levels). Tuned on photographs, blood smears and angiograms: saving as
# JPEG of quality 30, half the size, noise and less contrast stay below 50 on average and 460
# in each cell; the next frame of an angiogram is at 59 and 830 at least, and of unlike
# pictures within SEARCHED bits the closest at 300.
SAME, SAME_CELL, ALIKE = 50, 500, 250
FLAT = 4  # grey levels: with less contrast than this there is too little to see

Hashes = NDArray[np.uint64]
Pixels = NDArray[np.uint8]

_AT_ONCE = 1 << 22  # hashes compared in one step: 40 MB


def look(image: Image) -> Look:
    """What duplicates are found by: the decoded image in grey, shrunk to 32 × 32."""
    from PIL import Image as images

    grey = image.convert("L")
    return grey.resize((SIDE, SIDE), images.Resampling.BOX).tobytes()


def find(contents: Mapping[str, str], looks: Mapping[str, Look]) -> dict[str, list[Any]]:
    """The duplicates of a source, for duplicates.json.

    `contents`: the SHA-256 of each file; `looks`: the look of each file. Returns `exact` and
    `near`, lists of clusters of file names, and `doubtful`, pairs with their distance in bits
    and their difference in units of contrast. An exact cluster may be part of a near one;
    what is in one cluster is not doubtful. Of the doubtful pairs only so many are listed as
    join all that are alike (a spanning forest, closest first): if two images of such a set
    lie on two sides, so does at least one listed pair.
    """
    files = sorted(contents)
    same: dict[str, list[str]] = {}
    for file in files:
        same.setdefault(contents[file], []).append(file)
    firsts = [copies[0] for copies in same.values()]
    pixels = np.frombuffer(b"".join(looks[file] for file in firsts), np.uint8)
    near, doubtful = _alike(pixels.reshape(-1, SIDE, SIDE))
    clusters = [sorted(f for i in found for f in same[contents[firsts[i]]]) for found in near]
    return {
        "exact": sorted(copies for copies in same.values() if len(copies) > 1),
        "near": sorted(clusters),
        "doubtful": [
            {"a": firsts[a], "b": firsts[b], "distance": bits, "difference": mean / 1000}
            for mean, a, b, bits in doubtful
        ],
    }


def hashes(pixels: Pixels) -> Hashes:
    """The 64-bit hash of each of n × 32 × 32 grey pictures."""
    steps = np.outer(np.arange(8), 2 * np.arange(SIDE) + 1)
    waves = np.round(1024 * np.cos(np.pi * steps / (2 * SIDE)))
    found = [np.zeros(0, np.uint64)]
    for start in range(0, len(pixels), 4096):
        # whole numbers below 2^53, so float64 is exact and the order of adding is nothing
        strengths = waves @ pixels[start : start + 4096].astype(np.float64) @ waves.T
        strengths = strengths.reshape(-1, 64)[:, 1:]  # without the mean brightness
        bits = strengths > np.median(strengths, axis=1, keepdims=True)
        found.append(np.packbits(np.pad(bits, ((0, 0), (1, 0))), axis=1).view(">u8").ravel())
    return np.concatenate(found).astype(np.uint64)


def candidates(found: Hashes, most: int = SEARCHED) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs a < b of hashes that differ in at most `most` (≤ 8) bits, each once."""
    parts = np.stack([(found >> np.uint64(BITS * k)) & np.uint64(2**BITS - 1) for k in range(9)])
    for band, part in enumerate(parts):
        order = np.argsort(part, kind="stable")
        for members in np.split(order, np.flatnonzero(np.diff(part[order])) + 1):
            for a, b in _close(found, members, most):
                earlier = (parts[:band, a] == parts[:band, b]).any(axis=0)
                yield a[~earlier], b[~earlier]


def _close(found: Hashes, members: Numbers, most: int) -> Iterator[tuple[Numbers, Numbers]]:
    rows = max(1, _AT_ONCE // (len(members) + 1))
    own = found[members]
    for start in range(0, len(members) - 1, rows):
        ahead = own[start:]
        bits = np.bitwise_count(own[start : start + rows, None] ^ ahead[None])
        a, b = np.nonzero(bits <= most)
        later = a < b
        yield members[start + a[later]], members[start + b[later]]


def _alike(pixels: Pixels) -> tuple[list[list[int]], list[tuple[int, int, int, int]]]:
    """Clusters of pictures that are the same; doubtful pairs: difference, a, b, bits."""
    found, (fine, flat) = hashes(pixels), contrasts(pixels)
    coarse = np.rint(fine.reshape(-1, 8, 4, 8, 4).mean(axis=(2, 4))).astype(np.int16)
    same, alike = UnionFind(len(pixels)), UnionFind(len(pixels))
    doubtful = []
    for pairs in _in_steps(candidates(found)):
        least = _differences(coarse, *pairs)[0] - 1  # larger cells differ less, but for rounding
        a, b = _undecided(*pairs, least, same, alike)
        mean, worst = _differences(fine, a, b)
        sure = (mean <= SAME) & (worst <= SAME_CELL) & ~flat[a] & ~flat[b]
        for one, other in zip(a[sure].tolist(), b[sure].tolist(), strict=True):
            same.join(one, other)
            alike.join(one, other)
        bits = np.bitwise_count(found[a] ^ found[b])
        rows = np.stack([mean, a, b, bits], axis=1)[~sure & (mean <= ALIKE)].tolist()
        doubtful += [tuple(row) for row in sorted(rows) if alike.join(row[1], row[2])]
    clusters = [members for members in same.sets() if len(members) > 1]
    return clusters, [row for row in sorted(doubtful) if same.join(row[1], row[2])]


def _in_steps(pairs: Iterator[tuple[Numbers, Numbers]]) -> Iterator[tuple[Numbers, Numbers]]:
    """Pairs in pieces of bounded size."""
    for a, b in pairs:
        for start in range(0, len(a), 1024):
            yield a[start : start + 1024], b[start : start + 1024]


def _undecided(
    a: Numbers, b: Numbers, least: Numbers, same: UnionFind, alike: UnionFind
) -> tuple[Numbers, Numbers]:
    """The pairs that may still join anything, by the least difference that they can have."""
    joins = (least <= SAME) & (same.first(a) != same.first(b))
    joins |= (least <= ALIKE) & (alike.first(a) != alike.first(b))
    return a[joins], b[joins]


def _differences(cells: NDArray[np.int16], a: Numbers, b: Numbers) -> tuple[Numbers, Numbers]:
    """The mean (rounded down) and the largest difference of pairs of pictures, by cell."""
    apart = np.abs(cells[a].astype(np.int32) - cells[b]).reshape(len(a), cells[0].size)
    return apart.sum(axis=1, dtype=np.int64) // cells[0].size, apart.max(axis=1)


def contrasts(pixels: Pixels) -> tuple[NDArray[np.int16], NDArray[np.bool_]]:
    """Grey levels around their mean, in thousandths of their standard deviation; where that is
    below FLAT, around 128 and in thousandths of FLAT. n × 32 × 32 in and out; and of each
    picture whether it is flat (n)."""
    found, plain = np.empty(pixels.shape, np.int16), np.empty(len(pixels), np.bool_)
    cells = SIDE**2
    for start in range(0, len(pixels), 1024):
        levels = pixels[start : start + 1024].astype(np.int64)
        total = levels.sum(axis=(1, 2), keepdims=True)
        spread = cells * (levels**2).sum(axis=(1, 2), keepdims=True) - total**2
        flat = spread < (FLAT * cells) ** 2
        scale = np.where(flat, FLAT * cells, np.sqrt(spread.astype(np.float64)))
        centre = np.where(flat, 128 * cells, total)
        found[start : start + 1024] = np.rint(1000 * (cells * levels - centre) / scale)
        plain[start : start + 1024] = flat[:, 0, 0]
    return found, plain
