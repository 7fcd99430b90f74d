"""Copies of a picture are found, whatever was done to the file; other pictures are not."""

from __future__ import annotations

import io
import itertools
import random
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from fairtrial.data.duplicate_search import (
    Thumbnail,
    candidates,
    find_duplicates,
    hashes,
    thumbnail,
)
from fairtrial.data.duplicates import DoubtfulPair, Duplicates
from fairtrial.data.union_find import UnionFind


def picture(seed: int) -> Image.Image:
    """Blobs of many sizes: as much structure at each scale as a photograph has."""
    rng = np.random.default_rng(seed)
    pixels = np.full((240, 320, 3), 128.0)
    for cells in (3, 6, 12, 24, 48):
        noise = rng.normal(128, 60 / cells**0.5, (cells, cells, 3)).clip(0, 255)
        blobs = Image.fromarray(noise.astype(np.uint8))
        pixels += np.asarray(blobs.resize((320, 240), Image.Resampling.BICUBIC), float) - 128
    return Image.fromarray(pixels.clip(0, 255).astype(np.uint8))


def jpeg(image: Image.Image, quality: int) -> Image.Image:
    file = io.BytesIO()
    image.save(file, "JPEG", quality=quality)
    return Image.open(file)


def among(images: dict[str, Image.Image]) -> Duplicates:
    """The duplicates among images whose files all differ."""
    return of_files({name: thumbnail(image) for name, image in images.items()})


def of_files(thumbnails: dict[str, Thumbnail]) -> Duplicates:
    """The duplicates among files that all differ, by their thumbnails."""
    return find_duplicates({name: name for name in thumbnails}, thumbnails)


def names(pairs: list[DoubtfulPair]) -> list[tuple[str, str]]:
    return [(pair.a, pair.b) for pair in pairs]


COPIES: dict[str, Callable[[Image.Image], Image.Image]] = {
    "saved as JPEG": lambda image: jpeg(image, 30),
    "half the size": lambda image: image.resize((image.width // 2, image.height // 2)),
    "stretched": lambda image: image.resize((416, 416)),
    "grey": lambda image: image.convert("L"),
    "less contrast": lambda image: ImageEnhance.Contrast(image).enhance(0.8),
    "darker": lambda image: ImageEnhance.Brightness(image).enhance(0.7),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_near(name: str) -> None:
    images = {f"{n}.png": picture(n) for n in range(12)}
    duplicates = among(images | {"copy.png": COPIES[name](images["5.png"])})
    assert duplicates == Duplicates(exact=[], near=[["5.png", "copy.png"]], doubtful=[])


def test_a_trimmed_copy_is_doubtful() -> None:
    images = {f"{n}.png": picture(n) for n in range(12)}
    trimmed = images["5.png"].crop((3, 2, 317, 238))
    duplicates = among(images | {"trimmed.png": trimmed})
    assert duplicates.near == []
    assert names(duplicates.doubtful) == [("5.png", "trimmed.png")]
    assert 0.05 < duplicates.doubtful[0].difference <= 0.25
    assert duplicates.doubtful[0].distance <= 8


def test_something_new_in_one_place_makes_no_copy() -> None:
    """Another object before the same background is another image."""
    scene = picture(1)
    other = scene.copy()
    other.paste((230, 230, 230), (100, 100, 116, 116))
    duplicates = among({"a": scene, "b": other})
    assert duplicates.near == []
    assert len(duplicates.doubtful) == 1


def test_pictures_without_contrast_are_never_surely_the_same() -> None:
    images = {f"{level}": Image.new("RGB", (64, 64), (level,) * 3) for level in (0, 1, 120, 255)}
    duplicates = among(images)
    assert duplicates.near == []
    assert names(duplicates.doubtful) == [("0", "1")]


def test_exact_means_the_same_bytes_and_joins_the_near_ones() -> None:
    scene = picture(1)
    thumbnails = {name: thumbnail(scene) for name in ("b", "a", "d")}
    thumbnails["c"] = thumbnail(picture(2))
    contents = {"a": "one", "b": "one", "c": "two", "d": "three"}
    expected = Duplicates(exact=[["a", "b"]], near=[["a", "b", "d"]], doubtful=[])
    assert find_duplicates(contents, thumbnails) == expected


def test_the_order_of_files_does_not_matter() -> None:
    scenes = {f"{n}-{q}": jpeg(picture(n), q) for n in range(8) for q in (40, 70, 95)}
    shifted = {f"{n}-t": picture(n).crop((3, 2, 317, 238)) for n in range(4)}
    thumbnails = {name: thumbnail(image) for name, image in (scenes | shifted).items()}
    expected = of_files(thumbnails)
    assert len(expected.near) == 8
    assert len(expected.doubtful) == 4
    for seed in range(5):
        order = random.Random(seed).sample(sorted(thumbnails), len(thumbnails))
        backwards = {name: thumbnails[name] for name in order[::-1]}
        assert find_duplicates({name: name for name in order}, backwards) == expected


def test_frames_of_one_scene_are_joined_by_the_fewest_pairs() -> None:
    """All pairs of 60 frames would be 1,770."""
    scene = np.asarray(picture(1).convert("L"), np.int16)
    frames = {}
    for n in range(60):
        spots = np.random.default_rng(n).normal(0, 40, (12, 16)).round().astype(np.int16)
        frame = scene + np.kron(spots, np.ones((20, 20), np.int16))
        frames[f"{n:02}"] = Image.fromarray(np.clip(frame, 0, 255).astype(np.uint8))
    united = UnionFind(60)
    for pair in among(frames).doubtful:
        assert united.union(int(pair.a), int(pair.b)), "a pair more than needed"


@pytest.mark.parametrize("most", [0, 3, 8], ids="{} bits".format)
def test_candidates_are_all_pairs_within_so_many_bits(most: int) -> None:
    """Against every pair of 400 hashes, among them many close ones."""
    rng = random.Random(most)
    values = [rng.getrandbits(63) for _ in range(40)]
    for _ in range(360):
        flipped = sum(1 << bit for bit in rng.sample(range(63), rng.randint(0, 11)))
        values.append(rng.choice(values) ^ flipped)
    expected = {
        (a, b)
        for (a, x), (b, y) in itertools.combinations(enumerate(values), 2)
        if (x ^ y).bit_count() <= most
    }
    pieces = list(candidates(np.array(values, np.uint64), most))
    pairs = [(int(a), int(b)) for one, other in pieces for a, b in zip(one, other, strict=True)]
    assert sorted(pairs) == sorted(expected)


def test_the_first_bit_of_a_hash_is_unused() -> None:
    """So nine parts of seven bits are the whole hash."""
    pixels = np.random.default_rng(0).integers(0, 256, (500, 32, 32), dtype=np.uint8)
    values = hashes(pixels)
    assert int(values.max()) < 2**63
    ones = np.bitwise_count(values)
    assert set(ones.tolist()) == {31}, "31 of 63 strengths are above their median"


def test_nothing_and_one_have_no_duplicates() -> None:
    nothing = Duplicates(exact=[], near=[], doubtful=[])
    assert find_duplicates({}, {}) == nothing
    assert among({"a": picture(1)}) == nothing


def thumbnails_below(folder: Path, pattern: str) -> dict[str, Thumbnail]:
    thumbnails = {}
    for path in sorted(folder.rglob(pattern)):
        with Image.open(path) as image:
            thumbnails[path.relative_to(folder).as_posix()] = thumbnail(image)
    return thumbnails


def test_frames_of_angiograms_are_doubtful_within_their_video_alone(real_data: Path) -> None:
    duplicates = of_files(thumbnails_below(real_data / "cadica_sample", "*.png"))
    assert (duplicates.exact, duplicates.near) == ([], [])
    assert len(duplicates.doubtful) > 15
    for a, b in names(duplicates.doubtful):
        assert a.rpartition("_")[0] == b.rpartition("_")[0]


def test_of_the_blood_smears_two_show_one_place(real_data: Path) -> None:
    duplicates = of_files(thumbnails_below(real_data / "bccd", "*.jpg"))
    assert duplicates.near == []
    pairs = [(Path(a).stem, Path(b).stem) for a, b in names(duplicates.doubtful)]
    assert pairs == [("BloodImage_00037", "BloodImage_00038")]
