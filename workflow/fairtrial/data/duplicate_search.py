"""The search for copies among the images of a source.

Exact: files with the same bytes. Near: other files that show the same picture (saved anew,
scaled, mirrored, turned by quarters, in grey, brighter), confirmed on the pixels, or that are
equal pixel by pixel. Doubtful: pairs so alike that a person should look: frames of one scene, a
trimmed copy, two pictures without contrast. Candidates come from perceptual hashes
(picture_hashes.py).
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from fairtrial import DataError
from fairtrial.data.duplicates import Decisions, DoubtfulPair, Duplicates, Pair
from fairtrial.data.picture_hashes import (
    AS_IT_IS,
    SIDE,
    TURNS,
    Pixels,
    candidates,
    hashes_of,
    strengths_of,
)
from fairtrial.data.union_find import Numbers, UnionFind
from fairtrial.data.versions import versions

if TYPE_CHECKING:
    from PIL.Image import Image

UNDECIDED = Decisions()
Thumbnail = bytes  # SIDE × SIDE grey levels, row by row

# A JPEG is decoded at an eighth, a quarter or half of its size where that leaves so many pixels a
# side. With fewer, copies of other sizes look unlike: the grid of cells no longer fits them.
DECODED = 192

# Bits in which the hashes of candidates differ: those of copies in up to 4, those of pictures that
# look alike, such as one that was trimmed by 1 %, in up to 8.
MOST_BITS, MOST_BITS_TURNED = 8, 5

# Differences of two pictures cell by cell, in thousandths of their contrast (the standard
# deviation of the grey levels). Tuned by benchmarks/duplicates.py on photographs, blood smears and
# angiograms: of their copies (a quarter to four times the size, JPEG of quality 50 to 95, PNG,
# WebP, mirrored and turned) more than 99 in 100 stay below 40 on average and 450 in each cell; the
# next frame of an angiogram is at 50 and 661 at least, and two unlike pictures at 75.
SAME, SAME_CELL, ALIKE = 40, 450, 250
FLAT = 4  # grey levels: with less contrast than this there is too little to see


def thumbnail(image: Image) -> Thumbnail:
    """The decoded image in grey, shrunk to 32 × 32, by which duplicates are found."""
    from PIL import Image as images

    grey = image if image.mode == "L" else image.convert("L")
    return grey.resize((SIDE, SIDE), images.Resampling.BILINEAR).tobytes()


def find_duplicates(
    contents: Mapping[str, str],
    thumbnails: Mapping[str, Thumbnail],
    decisions: Decisions = UNDECIDED,
    pixels_of: Callable[[str], Pixels] | None = None,
) -> Duplicates:
    """The duplicates of a source.

    `contents`: SHA-256 by file name; `thumbnails`: thumbnail by file name; `decisions`: what a
    person has said; `pixels_of`: reads the pixels of a file, by which pictures without contrast are
    compared. Images of one cluster are no doubtful pairs. Of the doubtful pairs only so many are
    listed as connect all that are alike (a spanning forest, closest first): if two images of such a
    set are in two splits, so is at least one listed pair.

    Raises DataError where a pair that is said to be different has one content, or is joined by
    copies of both.
    """
    same: dict[str, list[str]] = {}
    for file in sorted(contents):
        same.setdefault(contents[file], []).append(file)
    firsts = [copies[0] for copies in same.values()]
    number = {sha256: place for place, sha256 in enumerate(same)}
    places = {file: number[sha256] for file, sha256 in contents.items()}
    of_names = versions(contents)
    search = _Search(_pixels(firsts, thumbnails), _places(decisions.different, places))
    search.join(_places([*decisions.same, *of_names], places))
    if pixels_of is not None:
        search.join(_equal_pixels(firsts, search.flat, pixels_of))
    near, doubtful = search.clusters_and_doubtful()
    _refuse_joined(decisions.different, places, near, firsts)
    return Duplicates(
        exact=sorted(copies for copies in same.values() if len(copies) > 1),
        near=sorted(sorted(f for i in c for f in same[contents[firsts[i]]]) for c in near),
        doubtful=[
            DoubtfulPair(a=firsts[a], b=firsts[b], distance=bits, difference=mean / 1000)
            for mean, a, b, bits in doubtful
        ],
        versions=of_names,
        same=decisions.same,
        different=decisions.different,
    )


def _pixels(files: list[str], thumbnails: Mapping[str, Thumbnail]) -> Pixels:
    pixels = np.frombuffer(b"".join(thumbnails[file] for file in files), np.uint8)
    return pixels.reshape(-1, SIDE, SIDE)


def _places(clusters: Iterable[Sequence[str]], places: Mapping[str, int]) -> list[list[int]]:
    return [[places[file] for file in files] for files in clusters]


def _equal_pixels(
    files: list[str], flat: NDArray[np.bool_], pixels_of: Callable[[str], Pixels]
) -> list[list[int]]:
    """Clusters of pictures without contrast that are equal pixel by pixel."""
    equal: dict[tuple[tuple[int, ...], str], list[int]] = {}
    for place in np.flatnonzero(flat).tolist():
        pixels = pixels_of(files[place])
        key = pixels.shape, hashlib.sha256(pixels.tobytes()).hexdigest()
        equal.setdefault(key, []).append(place)
    return list(equal.values())


def _refuse_joined(
    different: list[Pair], places: Mapping[str, int], near: list[list[int]], firsts: list[str]
) -> None:
    """Raise DataError where a pair that is said to be different is of one content or cluster."""
    cluster_of = {place: members for members in near for place in members}
    wrong = []
    for a, b in different:
        one, other = places[a], places[b]
        if one == other:
            wrong.append(f"{a} and {b} are equal byte by byte")
        elif one in (members := cluster_of.get(other, [])):
            between = [firsts[place] for place in members if place not in (one, other)]
            wrong.append(
                f"{a} and {b} are both copies of {', '.join(between[:3]) or 'one picture'}"
            )
    if wrong:
        raise DataError(
            f"`different` (in the source's YAML) cannot hold: {'; '.join(wrong)}. Leave the pair "
            "out, or decide on the pairs between them as well"
        )


class _Search:
    """Unites pictures that are the same, and those that are at least alike."""

    def __init__(self, pixels: Pixels, different: Iterable[Sequence[int]] = ()) -> None:
        self.strengths = strengths_of(pixels)
        self.hashes = hashes_of(self.strengths)
        self.fine, self.flat = contrasts(pixels)
        self.coarse = _coarse(self.fine)
        self.same, self.alike = UnionFind(len(pixels)), UnionFind(len(pixels))
        self.doubtful: list[tuple[int, int, int, int]] = []
        pairs = [min(a, b) * len(pixels) + max(a, b) for a, b in different]
        self.different = np.array(sorted(pairs), np.int64)  # of a and b: a · count + b

    def join(self, clusters: Iterable[list[int]]) -> None:
        """Unite pictures that are known to be the same, whatever they look like."""
        for first, *others in clusters:
            for other in others:
                self.same.union(first, other)
                self.alike.union(first, other)

    def clusters_and_doubtful(self) -> tuple[list[list[int]], list[tuple[int, int, int, int]]]:
        """Clusters of pictures that are the same; doubtful pairs: difference, a, b, bits. A
        difference is in thousandths of the contrast."""
        self.compare_all()
        self.compare_turned()
        clusters = [members for members in self.same.components() if len(members) > 1]
        return clusters, [row for row in sorted(self.doubtful) if self.same.union(row[1], row[2])]

    def _open(self, pairs: Iterator[tuple[Numbers, Numbers]]) -> Iterator[tuple[Numbers, Numbers]]:
        """The pairs that nobody has called different, in steps."""
        for a, b in _in_steps(pairs):
            if len(self.different):
                undecided = ~np.isin(a * len(self.hashes) + b, self.different)
                yield a[undecided], b[undecided]
            else:
                yield a, b

    def compare_all(self) -> None:
        """Compare the pictures as they are."""
        for pairs in self._open(candidates(self.hashes, MOST_BITS)):
            # larger cells differ less, but for rounding
            least = _differences(self.coarse[pairs[0]], self.coarse[pairs[1]])[0] - 1
            a, b = _undecided(*pairs, least, self.same, self.alike)
            mean, worst = _differences(self.fine[a], self.fine[b])
            sure = self._unite(a, b, mean, worst)
            bits = np.bitwise_count(self.hashes[a] ^ self.hashes[b])
            rows = np.stack([mean, a, b, bits], axis=1)[~sure & (mean <= ALIKE)].tolist()
            self.doubtful += [
                tuple(row) for row in sorted(rows) if self.alike.union(row[1], row[2])
            ]

    def compare_turned(self) -> None:
        """Compare each picture with the others mirrored and turned; only copies are of interest."""
        for turn in TURNS:
            if turn == AS_IT_IS:
                continue
            turned = hashes_of(turn.of_strengths(self.strengths))
            for pairs in self._open(candidates(self.hashes, MOST_BITS_TURNED, turned)):
                coarse = self.coarse[pairs[0]], turn.of(self.coarse[pairs[1]])
                possible = _differences(*coarse)[0] - 1 <= SAME
                a, b = pairs[0][possible], pairs[1][possible]
                self._unite(a, b, *_differences(self.fine[a], turn.of(self.fine[b])))

    def _unite(self, a: Numbers, b: Numbers, mean: Numbers, worst: Numbers) -> NDArray[np.bool_]:
        """Unite the pairs that are the same for sure. Returns which these are."""
        sure = (mean <= SAME) & (worst <= SAME_CELL) & ~self.flat[a] & ~self.flat[b]
        for first, second in zip(a[sure].tolist(), b[sure].tolist(), strict=True):
            self.same.union(first, second)
            self.alike.union(first, second)
        return sure


def _coarse(fine: NDArray[np.int16]) -> NDArray[np.int16]:
    """Pictures of a quarter of the cells a side."""
    coarse = np.empty((len(fine), 8, 8), np.int16)
    for start in range(0, len(fine), 1024):
        cells = fine[start : start + 1024].reshape(-1, 8, 4, 8, 4)
        coarse[start : start + 1024] = np.rint(cells.mean(axis=(2, 4)))
    return coarse


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


def _differences(ones: NDArray[np.int16], others: NDArray[np.int16]) -> tuple[Numbers, Numbers]:
    """The mean (rounded down) and the largest difference of pairs of pictures, by cell."""
    cells = ones.shape[1] * ones.shape[2]
    apart = np.abs(ones.astype(np.int32) - others).reshape(-1, cells)
    return apart.sum(axis=1, dtype=np.int64) // cells, apart.max(axis=1)


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
