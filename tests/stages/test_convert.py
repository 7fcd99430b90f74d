"""The stage: what it writes, what it refuses, and that it does the same twice."""

from __future__ import annotations

import gc
import io
import shutil
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from raw_source import BOX, COCO, Raw, picture
from tests.facts import refused

from fairtrial import ChecksumError, DataError
from fairtrial.data import clean_images
from fairtrial.files import checksums, folders, jsonfile


def test_good_images_are_kept_byte_for_byte_and_raw_is_untouched(raw: Raw) -> None:
    for name, data in {"0.jpg": picture("JPEG"), "1.png": picture("PNG")}.items():
        raw.add(name, data, BOX)
    dataset, quality = raw.convert()
    before = (raw.folder / "raw.sha256").read_text()
    names = folders.files_below(raw.folder / "raw")
    checksums.write_manifest(
        checksums.sha256_of(raw.folder / "raw", names), raw.folder / "after.sha256"
    )
    assert (raw.folder / "after.sha256").read_text() == before
    for image in dataset.images:
        clean = raw.folder / "clean" / "images" / image.file_name
        assert clean.read_bytes() == (raw.folder / "raw" / image.file_name).read_bytes()
        assert clean.samefile(raw.folder / "raw" / image.file_name), "no second copy on the disk"
        assert checksums.sha256(clean) == image.sha256
        assert (image.width, image.height) == (80, 60)
    assert quality == {
        "read": 2,
        "not_read": {},
        "similar": {},
        "images": 2,
        "negatives": 0,
        "objects": 2,
        "classes": {"cat": 0, "dog": 2},
        "class_map": [
            {"source": ["1"], "id": 1, "name": "cat"},
            {"source": ["2"], "id": 2, "name": "dog"},
        ],
        "defects": {},
    }


def test_an_image_in_two_rows_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.add("a.jpg", picture(), BOX)
    with refused(DataError, "images/a.jpg", "annotations", "twice"):
        raw.convert()


def test_groups_and_splits_reach_the_interchange(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, scene="s1")
    file = {"annotations": "annotations.json", "images": "images", "split": "val"}
    dataset, _ = raw.convert({**COCO, "options": {"files": [file], "group": "scene"}})
    assert (dataset.images[0].group, dataset.images[0].split) == ("s1", "val")


def test_an_image_without_objects_is_kept(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.add("b.jpg", picture())
    dataset, quality = raw.convert()
    assert (len(dataset.images), quality["negatives"]) == (2, 1)


def test_the_map_of_classes_is_printed_and_kept(
    raw: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    """The classic shift: ids with gaps, of which the second is not the second."""
    raw.add("a.jpg", picture(), BOX)
    raw.categories = [{"id": 90, "name": "dog"}, {"id": 18, "name": "cat"}]
    raw.boxes[0]["category_id"] = 90
    dataset, quality = raw.convert()
    assert quality["class_map"] == [
        {"source": ["18"], "id": 1, "name": "cat"},
        {"source": ["90"], "id": 2, "name": "dog"},
    ]
    assert dataset.categories[dataset.annotations[0].category_id] == "dog"
    assert capsys.readouterr().out.splitlines() == [
        "class 18 of the source is 1 cat",
        "class 90 of the source is 2 dog",
        "1 of 1 images kept, 0 of them without an object; 1 objects",
    ]


def photo(seed: int, size: tuple[int, int] = (160, 120), **options: Any) -> bytes:
    small = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(small).resize((160, 120), Image.Resampling.BICUBIC).resize(size).save(
        file, options.pop("kind", "JPEG"), **options
    )
    return file.getvalue()


def test_copies_of_an_image_are_found_and_written_down(raw: Raw) -> None:
    """Whatever the file type, the colours and the turn: as it is shown."""
    turn = Image.Exif()
    turn[0x0112] = 3
    upside_down = Image.open(io.BytesIO(photo(1))).rotate(180)
    file = io.BytesIO()
    upside_down.save(file, "JPEG", exif=turn)
    raw.add("a.jpg", photo(1), BOX)
    raw.add("b.jpg", photo(1), BOX)
    raw.add("c.png", photo(1, (80, 60), kind="PNG"), BOX)
    raw.add("d.jpg", file.getvalue(), BOX)
    raw.add("e.jpg", photo(2), BOX)
    raw.convert()
    assert jsonfile.read_json(raw.folder / "clean" / "duplicates.json") == {
        "exact": [["images/a.jpg", "images/b.jpg"]],
        "near": [["images/a.jpg", "images/b.jpg", "images/c.png", "images/d.jpg.png"]],
        "doubtful": [],
    }


def test_nothing_left_is_an_error(raw: Raw) -> None:
    with refused(DataError, str(raw.folder / "raw"), "no image"):
        raw.convert()
    raw.add("a.jpg", picture())
    with refused(DataError, str(raw.folder / "raw"), "none of the 1 images", "object"):
        raw.convert()


def test_a_raw_folder_that_has_changed_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.convert()
    (raw.folder / "raw" / "images" / "a.jpg").write_bytes(picture("PNG"))
    with refused(ChecksumError, "raw.sha256", "images/a.jpg: changed"):
        raw.again()


def test_an_unknown_setting_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    with refused(ValidationError, "drop_all"):
        raw.convert({**COCO, "drop_all": True})


def test_twice_is_the_same_wherever_it_stands(raw: Raw, tmp_path: Path) -> None:
    for number in range(20):
        raw.add(f"{number}.png", picture("PNG", "P" if number % 3 else "RGB"), BOX, [70, 1, 20, 9])
    raw.convert()
    clean = raw.folder / "clean"
    first = {name: (clean / name).read_bytes() for name in folders.files_below(clean)}
    shutil.move(raw.folder / "raw", tmp_path / "moved")
    other = Raw(tmp_path / "other")
    (other.folder / "raw" / "images").rmdir()
    (other.folder / "raw").rmdir()
    shutil.move(tmp_path / "moved", other.folder / "raw")
    shutil.copy(raw.folder / "raw.sha256", other.folder / "raw.sha256")
    other.again()
    clean = other.folder / "clean"
    assert {name: (clean / name).read_bytes() for name in folders.files_below(clean)} == first


@pytest.mark.parametrize("small", [0, 10**9], ids=["in threads", "one by one"])
def test_small_images_and_large_ones_are_cleaned_alike(
    raw: Raw, small: int, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(clean_images, "SMALL", small)
    for number in range(4):
        raw.add(f"{number}.jpg", photo(number), BOX)
    raw.add("broken.jpg", photo(9)[:-200], BOX)
    raw.add("absent.jpg", None, BOX)
    clean, quality = raw.convert(COCO | {"max_dropped": 1})
    assert [image.file_name for image in clean.images] == [f"images/{n}.jpg" for n in range(4)]
    assert {"truncated_image", "missing_image"} <= set(quality["defects"])


def test_the_collector_is_as_before_whatever_happens(raw: Raw) -> None:
    before = gc.get_threshold()
    with refused(DataError, "name no image"):
        raw.convert()
    assert gc.get_threshold() == before
