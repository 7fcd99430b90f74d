import io
import json
import shutil
from pathlib import Path
from typing import Any

import pytest
from PIL import Image
from pydantic import ValidationError

from fairtrial import ChecksumError, DataError, checksums, dataset, folders
from fairtrial.stages.convert import convert

COCO = {"format": "coco"}


class Raw:
    """A raw folder with a COCO file: `boxes` by image, in the classes cat and dog."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: list[dict[str, Any]] = []
        self.boxes: list[dict[str, Any]] = []
        (folder / "raw" / "images").mkdir(parents=True)

    def add(self, name: str, data: bytes | None, *boxes: list[float], **more: Any) -> None:
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": name, **more})
        self.boxes += [{"image_id": number, "category_id": 2, "bbox": box} for box in boxes]
        if data is not None:
            (self.folder / "raw" / "images" / name).write_bytes(data)

    def convert(self, settings: dict[str, Any] = COCO) -> tuple[dataset.Dataset, dict[str, Any]]:
        categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
        content = {"images": self.images, "annotations": self.boxes, "categories": categories}
        raw = self.folder / "raw"
        (raw / "annotations.json").write_text(json.dumps(content))
        names = folders.files_below(raw)
        checksums.write_manifest(checksums.sha256_of(raw, names), self.folder / "raw.sha256")
        return self.again(settings)

    def again(self, settings: dict[str, Any] = COCO) -> tuple[dataset.Dataset, dict[str, Any]]:
        clean = self.folder / "clean"
        convert(
            settings=settings,
            raw=self.folder / "raw",
            manifest=self.folder / "raw.sha256",
            images=clean / "images",
            annotations=clean / "annotations.json",
            quality=clean / "quality.json",
        )
        quality = dataset.read_json(clean / "quality.json")
        return dataset.read(clean / "annotations.json"), quality

    def clean(self, name: str) -> Path:
        return self.folder / "clean" / "images" / "images" / name


@pytest.fixture
def raw(tmp_path: Path) -> Raw:
    return Raw(tmp_path)


def picture(kind: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (80, 60)) -> bytes:
    image = Image.linear_gradient("L").resize(size).convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


BOX = [10, 10, 20, 20]


def test_good_images_are_kept_byte_for_byte_and_raw_is_untouched(raw: Raw) -> None:
    for number, data in enumerate([picture("JPEG"), picture("PNG"), picture("PNG", "L")]):
        raw.add(f"{number}.img", data, BOX)
    found, quality = raw.convert()
    before = (raw.folder / "raw.sha256").read_text()
    names = folders.files_below(raw.folder / "raw")
    checksums.write_manifest(
        checksums.sha256_of(raw.folder / "raw", names), raw.folder / "after.sha256"
    )
    assert (raw.folder / "after.sha256").read_text() == before
    for image in found.images:
        clean = raw.folder / "clean" / "images" / image.file_name
        assert clean.read_bytes() == (raw.folder / "raw" / image.file_name).read_bytes()
        assert clean.stat().st_nlink == 1, "a write to the clean file must not reach the raw one"
        assert checksums.sha256(clean) == image.sha256
        assert (image.width, image.height) == (80, 60)
    assert quality == {
        "images": 3,
        "objects": 3,
        "classes": {"cat": 0, "dog": 3},
        "defects": {},
    }


def test_bytes_behind_a_jpeg_are_cut_and_no_pixel_changes(raw: Raw) -> None:
    whole = picture()
    raw.add("a.jpg", whole + b"\0\0photo editor was here", BOX)
    found, quality = raw.convert()
    clean = raw.clean("a.jpg").read_bytes()
    assert clean.endswith(b"\xff\xd9")
    assert clean == whole
    assert checksums.sha256(raw.clean("a.jpg")) == found.images[0].sha256
    assert quality["defects"]["trailing_bytes"]["cases"] == ["images/a.jpg: 23 bytes"]


@pytest.mark.parametrize(
    ("data", "kind"),
    [
        (picture()[:-200], "truncated_image"),
        (picture("PNG", size=(300, 300))[:-400], "truncated_image"),
        (b"", "unreadable_image"),
        (b"<html>404</html>", "unreadable_image"),
        (picture()[:100], "unreadable_image"),
        (None, "missing_image"),
        (picture("TIFF", "F"), "unreadable_image"),
    ],
)
def test_unusable_images_are_dropped_and_named(raw: Raw, data: bytes | None, kind: str) -> None:
    raw.add("bad.jpg", data, BOX)
    raw.add("good.jpg", picture(), BOX)
    found, quality = raw.convert({**COCO, "max_dropped": 0.5})
    assert [image.file_name for image in found.images] == ["images/good.jpg"]
    assert quality["objects"] == 1
    ((name, defect),) = quality["defects"].items()
    assert (name, defect["count"], defect["action"]) == (kind, 1, "image dropped")
    assert defect["cases"][0].startswith("images/bad.jpg")
    assert not raw.clean("bad.jpg").exists()


def test_too_many_unusable_images_are_an_error_that_lists_them(raw: Raw) -> None:
    raw.add("bad.jpg", b"bad", BOX)
    raw.add("gone.jpg", None, BOX)
    for number in range(18):
        raw.add(f"{number}.jpg", picture(), BOX)
    with pytest.raises(DataError, match="2 of 20 images cannot be used") as error:
        raw.convert()
    assert "images/bad.jpg: UnidentifiedImageError" in str(error.value)
    assert "images/gone.jpg" in str(error.value)
    assert not (raw.folder / "clean" / "images").exists()
    assert raw.convert({**COCO, "max_dropped": 0.1})[1]["images"] == 18


@pytest.mark.parametrize("mode", ["RGBA", "P", "LA", "1", "CMYK"])
def test_other_colours_become_rgb_png(raw: Raw, mode: str) -> None:
    kind = "TIFF" if mode == "CMYK" else "PNG"
    data = picture(kind, mode)
    raw.add("a.tif", data, BOX)
    found, quality = raw.convert()
    assert quality["defects"]["other_colours"]["cases"] == [f"images/a.tif: mode {mode}"]
    (image,) = found.images
    assert image.file_name == "images/a.tif.png"
    assert image.sha256 == checksums.sha256(raw.clean("a.tif.png"))
    with Image.open(raw.clean("a.tif.png")) as clean, Image.open(io.BytesIO(data)) as before:
        assert (clean.format, clean.mode) == ("PNG", "RGB")
        assert clean.tobytes() == before.convert("RGB").tobytes()


def test_of_16_bits_the_upper_8_are_kept(raw: Raw) -> None:
    deep = Image.new("I;16", (4, 4), 0x1234)
    file = io.BytesIO()
    deep.save(file, "PNG")
    raw.add("a.png", file.getvalue(), [0, 0, 2, 2])
    raw.convert()
    with Image.open(raw.clean("a.png.png")) as clean:
        assert (clean.mode, clean.getpixel((1, 1))) == ("L", 0x12)


@pytest.mark.parametrize("kind", ["BMP", "GIF", "TIFF", "WEBP", "PPM"])
def test_other_file_types_become_png(raw: Raw, kind: str) -> None:
    raw.add("a", picture(kind), BOX)
    found, quality = raw.convert()
    assert found.images[0].file_name == "images/a.png"
    assert quality["defects"]["other_file_type"]["cases"] == [f"images/a: {kind}"]


def test_two_images_never_get_one_name(raw: Raw) -> None:
    raw.add("a", picture("BMP"), BOX)
    raw.add("a.png", picture("PNG"), BOX)
    with pytest.raises(DataError, match="two images would get one name"):
        raw.convert()


def test_the_size_is_that_of_the_image(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, width=100, height=60)
    raw.add("b.jpg", picture(), BOX, width=0, height=0)
    raw.add("c.jpg", picture(), BOX, width=80, height=60)
    found, quality = raw.convert()
    assert {(image.width, image.height) for image in found.images} == {(80, 60)}
    cases = quality["defects"].pop("size_mismatch")["cases"]
    assert cases == ["images/a.jpg: 100×60 stated, 80×60 found"]
    assert quality["defects"] == {}


def test_each_broken_box_is_mended_or_dropped_and_counted(raw: Raw) -> None:
    broken: dict[str, list[float]] = {
        "box_without_area": [10, 10, 0, 5],
        "inverted_box": [10, 10, -5, 5],
        "box_outside": [90, 10, 5, 5],
        "box_over_edge": [70, 50, 20, 20],
        "box_not_numbers": [10, float("nan"), 5, 5],
    }
    raw.add("a.jpg", picture(), BOX, *broken.values())
    found, quality = raw.convert()
    assert [a.bbox for a in found.annotations] == [(10, 10, 20, 20), (70, 50, 10, 10)]
    assert [a.area for a in found.annotations] == [400, 100]
    assert {name: defect["count"] for name, defect in quality["defects"].items()} == dict.fromkeys(
        broken, 1
    )
    assert quality["defects"]["inverted_box"]["cases"] == ["images/a.jpg: dog [10, 10, -5, 5]"]
    assert all(d["explanation"] and d["action"] for d in quality["defects"].values())


def test_crowds_and_areas_of_segments_are_kept(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.boxes[0] |= {"iscrowd": 1, "area": 123.5}
    (annotation,) = raw.convert()[0].annotations
    assert (annotation.iscrowd, annotation.area) == (True, 123.5)


def test_groups_and_sides_reach_the_interchange(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, scene="s1")
    file = {"annotations": "annotations.json", "images": "images", "split": "val"}
    found, _ = raw.convert({**COCO, "options": {"files": [file], "group": "scene"}})
    assert (found.images[0].group, found.images[0].split) == ("s1", "val")


def test_an_image_without_objects_is_kept(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.add("b.jpg", picture())
    assert len(raw.convert()[0].images) == 2


def test_nothing_left_is_an_error(raw: Raw) -> None:
    with pytest.raises(DataError, match="name no image"):
        raw.convert()
    raw.add("a.jpg", picture(), [10, 10, 0, 0])
    with pytest.raises(DataError, match="none of the 1 images has an object"):
        raw.convert()


def test_a_raw_folder_that_has_changed_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.convert()
    (raw.folder / "raw" / "images" / "a.jpg").write_bytes(picture("PNG"))
    with pytest.raises(ChecksumError, match=r"images/a\.jpg: changed"):
        raw.again()


def test_an_unknown_setting_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    with pytest.raises(ValidationError, match="drop_all"):
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


@pytest.mark.data
def test_bccd_ends_with_two_boxes_less(real_data: Path, tmp_path: Path) -> None:
    raw = real_data / "bccd"
    manifest = Path(__file__).parents[2] / "config" / "sources" / "bccd.sha256"
    clean = tmp_path / "clean"
    options = {"image_sets": "ImageSets/Main", "coordinates": "edges"}
    convert(
        settings={"format": "voc", "options": options},
        raw=raw,
        manifest=manifest,
        images=clean / "images",
        annotations=clean / "annotations.json",
        quality=clean / "quality.json",
    )
    quality = dataset.read_json(clean / "quality.json")
    assert quality["images"] == 364
    assert quality["classes"] == {"Platelets": 361, "RBC": 4153, "WBC": 372}
    assert quality["defects"].keys() == {"box_without_area"}
    assert quality["defects"]["box_without_area"]["cases"] == [
        "JPEGImages/BloodImage_00338.jpg: RBC [504, 337, 0, 0]",
        "JPEGImages/BloodImage_00343.jpg: RBC [181, 329, 0, 0]",
    ]


@pytest.mark.data
def test_messy_images_are_kept_or_named(real_data: Path, raw: Raw) -> None:
    for path in sorted((real_data / "messy_images").glob("*/*.*")):
        raw.add(f"{path.parent.name}-{path.name}", path.read_bytes(), [0, 0, 1, 1])
    found, quality = raw.convert({**COCO, "max_dropped": 1})
    dropped = [d for d in quality["defects"].values() if d["action"] == "image dropped"]
    assert len(found.images) + sum(d["count"] for d in dropped) == len(raw.images)
    for image in found.images:
        with Image.open(raw.folder / "clean" / "images" / image.file_name) as clean:
            clean.load()
            assert clean.mode in ("RGB", "L")
            assert clean.format in ("JPEG", "MPO", "PNG")
