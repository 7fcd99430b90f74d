"""Every file of a raw folder is read, or named as not read with the reason."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_source import BOX, COCO, Raw, convert_folder, picture
from tests.facts import missing_facts, refused

from fairtrial import DataError

JUNK = (".ipynb_checkpoints/0-checkpoint.jpg", "._0.jpg", "Thumbs.db", "@eaDir/0.jpg")


def write(folder: Path, files: dict[str, bytes]) -> None:
    for name, data in files.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        (folder / name).write_bytes(data)


def formats(raw: Path) -> dict[str, dict[str, Any]]:
    """One set of three images in each of five formats, and how it is read."""
    boxes = [{"image_id": n, "category_id": 1, "bbox": BOX} for n in range(3)]
    rows = [{"id": n, "file_name": f"{n}.jpg"} for n in range(3)]
    coco = {"images": rows, "annotations": boxes, "categories": [{"id": 1, "name": "cat"}]}
    corners = "<xmin>5</xmin><ymin>5</ymin><xmax>20</xmax><ymax>20</ymax>"
    xml = f"<annotation><object><name>cat</name><bndbox>{corners}</bndbox></object></annotation>"
    for n in range(3):
        write(raw / "coco/images", {f"{n}.jpg": picture()})
        write(raw / "yolo/images", {f"{n}.jpg": picture()})
        write(raw / "yolo/labels", {f"{n}.txt": b"0 .5 .5 .2 .2"})
        write(raw / "voc/JPEGImages", {f"{n}.jpg": picture()})
        write(raw / "voc/Annotations", {f"{n}.xml": xml.encode()})
        write(raw / "class_folders/cat", {f"{n}.jpg": picture()})
        write(raw / "class_csv/images", {f"{n}.jpg": picture()})
    write(raw / "coco", {"annotations.json": json.dumps(coco).encode()})
    write(raw / "yolo", {"data.yaml": b"train: images\nnames: [cat]"})
    table = "file,label\n" + "".join(f"{n}.jpg,cat\n" for n in range(3))
    write(raw / "class_csv", {"labels.csv": table.encode()})
    return {
        "coco": {"place": "images", "options": {}},
        "yolo": {"place": "images", "options": {}},
        "voc": {"place": "JPEGImages", "options": {}},
        "class_folders": {"place": "cat", "options": {}},
        "class_csv": {"place": "images", "options": {"images": "images"}},
    }


@pytest.mark.parametrize("name", ["coco", "yolo", "voc", "class_folders", "class_csv"])
def test_what_is_no_data_is_left_out_and_named_once(
    name: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    """In every format alike: it is no image, no class, no negative and no defect."""
    part = formats(tmp_path)[name]
    raw, place = tmp_path / name, part["place"]
    clean, before = convert_folder(raw, tmp_path / "a", format=name, options=part["options"])
    assert before["not_read"] == {}
    write(raw / place, dict.fromkeys(JUNK, picture()) | {"volume.dcm": b"0" * 128 + b"DICM"})
    write(raw, {"__MACOSX/cat/0.jpg": picture(), ".DS_Store": b"", ".git/config": b""})
    capsys.readouterr()
    again, after = convert_folder(raw, tmp_path / "b", format=name, options=part["options"])
    assert (again.images, again.annotations, again.categories) == (
        clean.images,
        clean.annotations,
        clean.categories,
    )
    assert after["defects"] == before["defects"]
    of_systems, others = after["not_read"].pop("of_systems"), after["not_read"].pop("others")
    assert after["not_read"] == {}
    assert of_systems["count"] == len(JUNK) + 3
    assert f"{place}/{JUNK[0]}" in of_systems["files"]
    assert others["files"] == [f"{place}/volume.dcm"]
    log = capsys.readouterr().out
    assert log.count("files of systems") == 1
    assert missing_facts(log, f"not read: {len(JUNK) + 3} files", f"{place}/volume.dcm") == []


def test_images_that_a_coco_file_does_not_list_are_named(
    raw: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.add("a.jpg", picture(), BOX)
    write(raw.folder / "raw/images", {"b.jpg": picture(), "c": picture("WEBP")})
    _, quality = raw.convert()
    assert quality["not_read"].keys() == {"images"}
    assert quality["not_read"]["images"]["files"] == ["images/b.jpg", "images/c"]
    facts = ["not read: 2 images that the annotations do not name", "images/b.jpg"]
    assert missing_facts(capsys.readouterr().out, *facts) == []


KINDS = {
    "a.avif": "AVIF",
    "b.jp2": "JPEG2000",
    "c.tga": "TGA",
    "d.jfif": "JPEG",
    "e.jpe": "JPEG",
    "f.webp": "WEBP",
    "g.qoi": "QOI",
    "scan": "PNG",
    "h.001": "BMP",
}


def test_images_of_every_type_are_read_whatever_their_suffix(tmp_path: Path) -> None:
    for label in ("cat", "dog"):
        write(tmp_path / "raw" / label, {n: picture(kind) for n, kind in KINDS.items()})
        first, second = Image.new("RGB", (30, 30)), Image.new("RGB", (30, 30), "red")
        file = io.BytesIO()
        first.save(file, "MPO", save_all=True, append_images=[second])
        write(tmp_path / "raw" / label, {"stereo.mpo": file.getvalue()})
    dataset, quality = convert_folder(tmp_path / "raw", tmp_path / "clean", format="class_folders")
    assert quality["images"] == 2 * (len(KINDS) + 1)
    assert quality["not_read"] == {}
    for image in dataset.images:
        path = tmp_path / "clean" / "images" / image.file_name
        with Image.open(path) as clean:
            assert clean.format in ("JPEG", "PNG", "MPO")
            assert path.suffix in (".jpg", ".png")


def test_heic_is_named_as_such(tmp_path: Path) -> None:
    heic = b"\0\0\0\x18ftypheic\0\0\0\0mif1heic"
    write(tmp_path / "raw/cat", {"a.heic": heic, "b": heic, "c.jpg": picture()})
    _, quality = convert_folder(
        tmp_path / "raw", tmp_path / "clean", format="class_folders", max_dropped=1
    )
    cases = quality["defects"]["unreadable_image"]["cases"]
    assert [case.partition(":")[0] for case in cases] == ["cat/a.heic", "cat/b"]
    assert all("HEIC" in case and "JPEG" in case for case in cases)


def several(kind: str, frames: int) -> bytes:
    colours = ["red", "green", "blue", "white"][:frames]
    first, *others = [Image.new("RGB", (20, 20), colour) for colour in colours]
    file = io.BytesIO()
    first.save(file, kind, save_all=True, append_images=others)
    return file.getvalue()


@pytest.mark.parametrize("kind", ["TIFF", "GIF", "WEBP", "PNG", "AVIF"])
def test_of_several_frames_the_lost_ones_are_counted(raw: Raw, kind: str) -> None:
    raw.add("many", several(kind, 4), [1, 1, 9, 9])
    raw.add("one", several(kind, 1), [1, 1, 9, 9])
    _, quality = raw.convert()
    cases = quality["defects"]["several_frames"]["cases"]
    assert cases == ["images/many: 4 frames, 3 of them lost"]
    with Image.open(raw.clean("many.png")) as clean:
        assert getattr(clean, "n_frames", 1) == 1
        pixel = clean.convert("RGB").getpixel((5, 5))
    assert isinstance(pixel, tuple) and pixel[0] > 240 and max(pixel[1:]) < 15, "the first is red"


def test_twelve_bits_of_sixteen_are_scaled_unless_kept(raw: Raw) -> None:
    levels = np.linspace(0, 4095, 400).astype(np.uint16).reshape(20, 20)
    for name, data in {"a.png": levels, "b.png": levels * 16}.items():
        file = io.BytesIO()
        Image.fromarray(data).save(file, "PNG")
        raw.add(name, file.getvalue(), [1, 1, 9, 9])
    _, quality = raw.convert()
    assert quality["defects"]["unused_bits"]["cases"] == ["images/a.png"]
    assert grey_levels(raw.clean("a.png.png")) == grey_levels(raw.clean("b.png.png")) == 256
    raw.again({**COCO, "defects": {"unused_bits": "keep"}})
    assert grey_levels(raw.clean("a.png.png")) == 16


def grey_levels(path: Path) -> int:
    with Image.open(path) as clean:
        return len(np.unique(np.asarray(clean)))


def test_what_is_excluded_is_not_read_and_counted(tmp_path: Path) -> None:
    for label in ("cat", "dog", "unsorted"):
        write(tmp_path / "raw" / label, {"1.jpg": picture(), "2.jpg": picture()})
    patterns = ["unsorted/*", "*/2.jpg"]
    dataset, quality = convert_folder(
        tmp_path / "raw", tmp_path / "clean", format="class_folders", exclude=patterns
    )
    assert list(dataset.categories.values()) == ["cat", "dog"]
    assert [image.file_name for image in dataset.images] == ["cat/1.jpg", "dog/1.jpg"]
    excluded = ["cat/2.jpg", "dog/2.jpg", "unsorted/1.jpg", "unsorted/2.jpg"]
    assert quality["not_read"]["excluded"]["files"] == excluded


@pytest.mark.parametrize(
    ("named", "there"),
    [
        pytest.param("A.JPG", "a.jpg", id="case"),
        pytest.param("images/a.jpg", "a.jpg", id="a folder twice"),
        pytest.param("b\\a.jpg", "b/a.jpg", id="a backslash"),
        pytest.param("my%20cat.jpg", "my cat.jpg", id="a blank as in an address"),
        pytest.param("a", "a.jpg", id="no suffix"),
    ],
)
def test_a_missing_image_is_named_with_the_one_that_is_there(
    raw: Raw, named: str, there: str
) -> None:
    raw.add(named, None, BOX)
    write(raw.folder / "raw/images", {there: picture()})
    with refused(DataError, "missing_image", named, f"there is images/{there}"):
        raw.convert()


def test_names_that_are_nearly_equal_are_listed(
    raw: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.categories = [{"id": n, "name": name} for n, name in enumerate(["Dog", "dog", "owl"], 1)]
    raw.add("a.jpg", picture(), BOX, patient="P1")
    raw.add("b.jpg", picture(), BOX, patient="p 1 ")
    _, quality = raw.convert({**COCO, "options": {"group": "patient"}})
    assert quality["similar"] == {"classes": [["Dog", "dog"]], "groups": [["P1", "p 1"]]}
    assert missing_facts(capsys.readouterr().out, "classes", "Dog, dog", "groups", "P1, p 1") == []


def test_one_patient_in_two_files_is_one_group(tmp_path: Path) -> None:
    """As a whole number in one file and with a fraction in the other."""
    rows = {}
    for file, kind in (("a", int), ("b", float)):
        images = [
            {"id": n, "file_name": f"{file}{n}.jpg", "patient": kind(n % 4)} for n in range(8)
        ]
        boxes = [{"image_id": n, "category_id": 1, "bbox": BOX} for n in range(8)]
        names = [{"id": 1, "name": "cat"}]
        rows[f"{file}.json"] = {"images": images, "annotations": boxes, "categories": names}
        write(tmp_path / "raw", {f"{file}{n}.jpg": picture() for n in range(8)})
    write(tmp_path / "raw", {name: json.dumps(content).encode() for name, content in rows.items()})
    options = {"files": [{"annotations": name} for name in rows], "group": "patient"}
    dataset, _ = convert_folder(
        tmp_path / "raw", tmp_path / "clean", format="coco", options=options
    )
    assert {image.group for image in dataset.images} == {"0", "1", "2", "3"}


def test_the_log_has_the_account_of_quality_json(
    raw: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    raw.add("a.jpg", picture(), BOX, [70, 50, 20, 20])
    raw.add("b.png", picture("PNG", "L"))
    raw.add("c.jpg", b"no image", BOX)
    raw.convert({**COCO, "max_dropped": 0.5})
    captured = capsys.readouterr()
    facts = ["2 of 3 images kept, 1 of them without", "2 objects", "unreadable_image: 1 times"]
    facts += ["box_over_edge: 1 times, box clipped", "images/a.jpg", "grey_image: 1 times"]
    assert missing_facts(captured.out, *facts) == []
    assert captured.err == "", "no warning of Pillow, and no progress of what takes no time"


def test_images_without_labels_are_kept_beside_every_set(tmp_path: Path) -> None:
    """Classes by folders have no way to say so; a copy without a label contradicts none."""
    raw = tmp_path / "raw"
    for name in ("train/cat/a.jpg", "train/dog/b.jpg", "new/c.jpg"):
        (raw / name).parent.mkdir(parents=True, exist_ok=True)
        (raw / name).write_bytes(picture())
    Image.radial_gradient("L").convert("RGB").save(raw / "train/dog/b.jpg")
    dataset, quality = convert_folder(
        raw,
        tmp_path / "clean",
        format="class_folders",
        options={"images": "train"},
        unlabelled=["new/*"],
        defects={"contradicting_labels": "refuse", "contradicting_copies": "refuse"},
    )
    found = {image.file_name: image.unlabelled for image in dataset.images}
    assert found == {"new/c.jpg": True, "train/cat/a.jpg": False, "train/dog/b.jpg": False}
    assert (quality["unlabelled"], quality["negatives"], quality["not_read"]) == (1, 0, {})
    rows = json.loads((tmp_path / "clean/annotations.json").read_text())["images"]
    assert [row.get("unlabelled") for row in rows] == [True, None, None]
