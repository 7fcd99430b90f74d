"""Copies of a picture are found, whatever was done to the file; other pictures are not."""

from __future__ import annotations

import hashlib
import io
import itertools
import random
import shutil
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest
from PIL import Image, ImageEnhance

from fairtrial.data.defect_actions import Actions
from fairtrial.data.duplicate_search import Thumbnail, find_duplicates, thumbnail
from fairtrial.data.duplicates import DoubtfulPair, Duplicates
from fairtrial.data.imagefile import clean_image
from fairtrial.data.picture_hashes import TURNS, candidates, hashes, hashes_of, strengths_of
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
    "mirrored": lambda image: image.transpose(Image.Transpose.FLIP_LEFT_RIGHT),
    "upside down": lambda image: image.transpose(Image.Transpose.FLIP_TOP_BOTTOM),
    "turned": lambda image: image.transpose(Image.Transpose.ROTATE_180),
    "turned left": lambda image: image.transpose(Image.Transpose.ROTATE_90),
    "turned right": lambda image: image.transpose(Image.Transpose.ROTATE_270),
    "transposed": lambda image: image.transpose(Image.Transpose.TRANSPOSE),
    "transverse": lambda image: image.transpose(Image.Transpose.TRANSVERSE),
}


@pytest.mark.parametrize("name", COPIES)
def test_a_copy_is_near(name: str) -> None:
    images = {f"{n}.png": picture(n) for n in range(12)}
    duplicates = among(images | {"copy.png": COPIES[name](images["5.png"])})
    assert duplicates == Duplicates(exact=[], near=[["5.png", "copy.png"]], doubtful=[])


FILES: dict[str, tuple[tuple[int, int], str, dict[str, int]]] = {
    "another size": ((480, 360), "JPEG", {"quality": 90}),
    "a square": ((416, 416), "JPEG", {"quality": 90}),
    "nine tenths": ((576, 432), "JPEG", {"quality": 50}),
    "a quarter": ((160, 120), "JPEG", {"quality": 75}),
    "twice the size": ((1280, 960), "JPEG", {"quality": 75}),
    "lossless": ((640, 480), "PNG", {}),
    "WebP": ((480, 360), "WEBP", {"quality": 50}),
}


@pytest.mark.parametrize("name", FILES)
def test_a_copy_is_found_as_a_file(name: str, tmp_path: Path) -> None:
    """What `convert` makes of files, for it decodes a JPEG at a part of its size."""
    thumbnails = {}
    size, kind, options = FILES[name]
    for n in range(3):
        photograph = picture(n).resize((640, 480), Image.Resampling.BICUBIC)
        photograph.save(tmp_path / "raw", "JPEG", quality=92)
        thumbnails[f"{n}"] = cleaned(tmp_path)
        Image.open(tmp_path / "raw").resize(size).save(tmp_path / "raw", kind, **options)
        thumbnails[f"{n} again"] = cleaned(tmp_path)
    pairs = [[f"{n}", f"{n} again"] for n in range(3)]
    assert of_files(thumbnails) == Duplicates(exact=[], near=pairs, doubtful=[])


def cleaned(folder: Path) -> Thumbnail:
    """The thumbnail that `convert` makes of the file `raw` in a folder."""
    sha256 = hashlib.sha256((folder / "raw").read_bytes()).hexdigest()
    clean = folder / sha256
    return clean_image(folder, "raw", sha256, clean, Actions()).thumbnail


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


@pytest.mark.parametrize("most", [0, 5], ids="{} bits".format)
def test_candidates_among_turned_pictures_are_all_pairs_within_so_many_bits(most: int) -> None:
    rng = random.Random(most)
    values = [rng.getrandbits(63) for _ in range(300)]
    turned = [value ^ (1 << rng.randrange(63)) * rng.randint(0, 1) for value in values]
    rng.shuffle(turned)
    expected = {
        (a, b)
        for a, b in itertools.combinations(range(300), 2)
        if (values[a] ^ turned[b]).bit_count() <= most
    }
    assert expected
    found = candidates(np.array(values, np.uint64), most, np.array(turned, np.uint64))
    pairs = [(int(a), int(b)) for one, other in found for a, b in zip(one, other, strict=True)]
    assert sorted(pairs) == sorted(expected)


def test_the_hashes_of_turned_pictures_need_no_turned_pictures() -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (50, 32, 32), dtype=np.uint8)
    strengths = strengths_of(pixels)
    different = set()
    for turn in TURNS:
        turned = np.ascontiguousarray(turn.of(pixels))
        different.add(turned.tobytes())
        assert (hashes_of(turn.of_strengths(strengths)) == hashes(turned)).all()
    assert len(different) == 8


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


@pytest.mark.parametrize("size", [(480, 360), (416, 416)], ids="{0[0]}×{0[1]}".format)
def test_scaled_blood_smears_are_copies(
    size: tuple[int, int], real_data: Path, tmp_path: Path
) -> None:
    thumbnails = {}
    files = sorted((real_data / "bccd").rglob("*.jpg"))[:40]
    for file in files:
        shutil.copy(file, tmp_path / "raw")
        thumbnails[file.stem] = cleaned(tmp_path)
        with Image.open(file) as image:
            image.resize(size, Image.Resampling.BICUBIC).save(tmp_path / "raw", "JPEG", quality=90)
        thumbnails[f"{file.stem} again"] = cleaned(tmp_path)
    near = of_files(thumbnails).near
    assert near == [[file.stem, f"{file.stem} again"] for file in files]


def test_of_the_blood_smears_two_show_one_place(real_data: Path) -> None:
    duplicates = of_files(thumbnails_below(real_data / "bccd", "*.jpg"))
    assert duplicates.near == []
    pairs = [(Path(a).stem, Path(b).stem) for a, b in names(duplicates.doubtful)]
    assert pairs == [("BloodImage_00037", "BloodImage_00038")]
