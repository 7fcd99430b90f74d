"""Copies in a source: what a person has said of them, and labels that contradict each other."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from raw_source import BOX, COCO, Raw, convert_folder
from tests.facts import refused

from fairtrial import DataError
from fairtrial.files import jsonfile


def photo(seed: int, kind: str = "PNG", crop: int = 0) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    image = Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC)
    file = io.BytesIO()
    image.crop((crop, crop, 160 - crop, 120 - crop)).save(file, kind)
    return file.getvalue()


def duplicates(raw: Raw, **settings: Any) -> dict[str, Any]:
    raw.convert({**COCO, **settings})
    content: dict[str, Any] = jsonfile.read_json(raw.folder / "clean" / "duplicates.json")
    return content


def trimmed(raw: Raw) -> Raw:
    """A picture, the same trimmed, and another one."""
    raw.add("a.png", photo(1), BOX)
    raw.add("b.bmp", photo(1, "BMP", crop=2), BOX)
    raw.add("c.png", photo(2), BOX)
    return raw


def test_a_pair_that_looks_alike_is_doubtful_until_decided(raw: Raw) -> None:
    found = duplicates(trimmed(raw))
    assert [(pair["a"], pair["b"]) for pair in found["doubtful"]] == [
        ("images/a.png", "images/b.bmp.png")
    ]
    assert set(found) == {"exact", "near", "doubtful"}


@pytest.mark.parametrize("name", ["images/b.bmp", "images/b.bmp.png"])
def test_what_a_person_has_decided_is_kept(raw: Raw, name: str) -> None:
    """By the name of the raw file or of the clean one, in any order."""
    pair = ["images/a.png", "images/b.bmp.png"]
    same = duplicates(trimmed(raw), same=[(name, "images/a.png")])
    assert (same["near"], same["doubtful"], same["same"]) == ([pair], [], [pair])
    different = duplicates(raw, different=[(name, "images/a.png")])
    assert (different["near"], different["doubtful"]) == ([], [])
    assert different["different"] == [pair]


def test_a_near_copy_may_be_called_different(raw: Raw) -> None:
    raw.add("a.png", photo(1), BOX)
    raw.add("b.jpg", photo(1, "JPEG"), BOX)
    pair = ["images/a.png", "images/b.jpg"]
    assert duplicates(raw)["near"] == [pair]
    assert duplicates(raw, different=[tuple(pair)])["near"] == []


def test_what_a_person_says_must_agree_with_the_rest(raw: Raw) -> None:
    raw.add("a.png", photo(1), BOX)
    raw.add("b.jpg", photo(1, "JPEG"), BOX)
    raw.add("c.png", photo(1), BOX)
    raw.add("d.webp", photo(1, "WEBP"), BOX)
    with refused(DataError, "`different`", "images/a.png and images/c.png", "byte by byte"):
        duplicates(raw, different=[("images/c.png", "images/a.png")])
    with refused(DataError, "images/a.png and images/b.jpg", "copies of images/d.webp.png"):
        duplicates(raw, different=[("images/a.png", "images/b.jpg")])
    with refused(DataError, str(raw.folder / "raw"), "`same`", "images/e.png"):
        duplicates(raw, same=[("images/a.png", "images/e.png")])


@pytest.mark.parametrize(
    "settings",
    [
        pytest.param({"same": [("a", "b")], "different": [("b", "a")]}, id="both"),
        pytest.param({"same": [("a", "a")]}, id="one file"),
    ],
)
def test_impossible_decisions_are_refused(raw: Raw, settings: dict[str, Any]) -> None:
    with pytest.raises(ValidationError):
        raw.convert({**COCO, **settings})


def test_pictures_without_contrast_are_copies_where_all_pixels_are_equal(raw: Raw) -> None:
    flat = np.full((40, 50, 3), 90, np.uint8)
    other = flat.copy()
    other[5, 5] = 91
    for name, pixels, level in (("a", flat, 1), ("b", flat, 9), ("c", other, 1)):
        file = io.BytesIO()
        Image.fromarray(pixels).save(file, "PNG", compress_level=level)
        raw.add(f"{name}.png", file.getvalue(), BOX)
    assert duplicates(raw)["near"] == [["images/a.png", "images/b.png"]]


def test_augmented_versions_are_copies_by_their_names(raw: Raw) -> None:
    """However unlike they look, and however their boxes differ."""
    names = [f"x_jpg.rf.{digit * 32}.jpg" for digit in "abc"]
    for number, name in enumerate(names):
        raw.add(name, photo(number, "JPEG"), *[BOX] * (number > 0))
    raw.add("y.png", photo(9), BOX)
    found = duplicates(raw)
    files = [f"images/{name}" for name in names]
    assert (found["near"], found["versions"]) == ([files], [files])


def labelled_twice(folder: Path) -> Path:
    """A picture in cat/ and dog/, and three others."""
    for name, seed in {"cat/1": 1, "dog/2": 1, "cat/3": 3, "cat/4": 4, "dog/5": 5}.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / f"{name}.png").write_bytes(photo(seed))
    return folder


def test_one_picture_of_two_classes_is_refused(tmp_path: Path) -> None:
    raw, actions = labelled_twice(tmp_path / "raw"), {"contradicting_labels": "refuse"}
    facts = ["contradicting_labels", "cat/1.png: cat; its copy dog/2.png: dog", "`keep_first`"]
    with refused(DataError, *facts):
        convert_folder(raw, tmp_path / "clean", format="class_folders", defects=actions)


@pytest.mark.parametrize(
    ("action", "left"),
    [
        pytest.param("drop_image", ["cat/3", "cat/4", "dog/5"], id="all"),
        pytest.param("keep_first", ["cat/1", "cat/3", "cat/4", "dog/5"], id="but the first"),
        pytest.param("keep", ["cat/1", "cat/3", "cat/4", "dog/2", "dog/5"], id="none"),
    ],
)
def test_copies_with_contradicting_labels_can_be_dropped(
    tmp_path: Path, action: str, left: list[str]
) -> None:
    raw, clean = labelled_twice(tmp_path / "raw"), tmp_path / "clean"
    actions = {"contradicting_labels": action}
    data, quality = convert_folder(
        raw, clean, format="class_folders", defects=actions, max_dropped=0.5
    )
    names = [f"{name}.png" for name in left]
    assert [image.file_name for image in data.images] == names
    assert sorted(p.relative_to(clean / "images").as_posix() for p in clean.rglob("*.png")) == names
    assert quality["defects"]["contradicting_labels"]["count"] == 2
    exact = jsonfile.read_json(clean / "duplicates.json")["exact"]
    assert exact == ([["cat/1.png", "dog/2.png"]] if action == "keep" else [])
