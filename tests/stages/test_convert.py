import io
import json
import shutil
from pathlib import Path
from typing import Any
from xml.etree import ElementTree

import numpy as np
import pytest
from PIL import Image
from pydantic import ValidationError
from ruamel.yaml import YAML

from fairtrial import ChecksumError, DataError
from fairtrial.data import dataset
from fairtrial.files import checksums, folders, jsonfile
from fairtrial.settings.stages import ConvertSettings
from fairtrial.stages.convert import convert

COCO = {"format": "coco"}


class Raw:
    """A raw folder with a COCO file: `boxes` by image, in the classes cat and dog."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.images: list[dict[str, Any]] = []
        self.boxes: list[dict[str, Any]] = []
        self.categories = [{"id": 1, "name": "cat"}, {"id": 2, "name": "dog"}]
        (folder / "raw" / "images").mkdir(parents=True)

    def add(self, name: str, data: bytes | None, *boxes: list[float], **more: Any) -> None:
        number = len(self.images) + 1
        self.images.append({"id": number, "file_name": name, **more})
        self.boxes += [{"image_id": number, "category_id": 2, "bbox": box} for box in boxes]
        if data is not None:
            (self.folder / "raw" / "images" / name).write_bytes(data)

    def convert(self, settings: dict[str, Any] = COCO) -> tuple[dataset.Dataset, dict[str, Any]]:
        parts = {"images": self.images, "annotations": self.boxes}
        content = {**parts, "categories": self.categories}
        raw = self.folder / "raw"
        (raw / "annotations.json").write_text(json.dumps(content))
        names = folders.files_below(raw)
        checksums.write_manifest(checksums.sha256_of(raw, names), self.folder / "raw.sha256")
        return self.again(settings)

    def again(self, settings: dict[str, Any] = COCO) -> tuple[dataset.Dataset, dict[str, Any]]:
        clean = self.folder / "clean"
        convert(
            settings=ConvertSettings(**settings),
            raw=self.folder / "raw",
            manifest=self.folder / "raw.sha256",
            images=clean / "images",
            annotations=clean / "annotations.json",
            quality=clean / "quality.json",
            duplicates=clean / "duplicates.json",
        )
        quality = jsonfile.read_json(clean / "quality.json")
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
    for name, data in {"0.jpg": picture("JPEG"), "1.png": picture("PNG")}.items():
        raw.add(name, data, BOX)
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
        assert clean.samefile(raw.folder / "raw" / image.file_name), "no second copy on the disk"
        assert checksums.sha256(clean) == image.sha256
        assert (image.width, image.height) == (80, 60)
    assert quality == {
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
        (picture()[:100], "truncated_image"),
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
    deep = Image.new("I;16", (14, 14), 0x1234)
    file = io.BytesIO()
    deep.save(file, "PNG")
    raw.add("a.png", file.getvalue(), [0, 0, 2, 2])
    raw.convert()
    with Image.open(raw.clean("a.png.png")) as clean:
        assert (clean.mode, clean.getpixel((1, 1))) == ("RGB", (0x12, 0x12, 0x12))


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


def test_boxes_for_another_size_are_not_taken_over_unless_asked(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, width=160, height=60)
    raw.add("b.jpg", picture(), BOX, width=0, height=0)
    raw.add("c.jpg", picture(), BOX, width=80, height=60)
    found, quality = raw.convert({**COCO, "max_dropped": 0.5})
    assert [image.file_name for image in found.images] == ["images/b.jpg", "images/c.jpg"]
    assert not raw.clean("a.jpg").exists()
    assert {(image.width, image.height) for image in found.images} == {(80, 60)}
    cases = quality["defects"].pop("size_mismatch")["cases"]
    assert cases == ["images/a.jpg: 160×60 stated, 80×60 found"]
    assert quality["defects"] == {}
    for action, box in {"keep": (10, 10, 20, 20), "repair": (5, 10, 10, 20)}.items():
        found, quality = raw.again({**COCO, "defects": {"size_mismatch": action}})
        assert [a.bbox for a in found.annotations] == [box, (10, 10, 20, 20), (10, 10, 20, 20)]
        assert quality["defects"]["size_mismatch"]["rule"] == action
        assert found.annotations[0].area == box[2] * box[3]


def test_an_object_that_stands_there_twice_counts_once(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, BOX, [10, 10, 20, 21])
    found, quality = raw.convert()
    assert len(found.annotations) == 2
    assert quality["defects"]["duplicate_box"]["cases"] == ["images/a.jpg: dog [10, 10, 20, 20]"]
    assert len(raw.again({**COCO, "defects": {"duplicate_box": "keep"}})[0].annotations) == 3


def test_two_classes_or_a_crowd_in_one_box_are_no_duplicates(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, BOX, BOX)
    raw.boxes[0]["category_id"] = 1
    raw.boxes[1]["iscrowd"] = 1
    found, quality = raw.convert()
    assert (len(found.annotations), quality["defects"]) == (3, {})


def test_every_action_of_boxes_is_done(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, [70, 50, 20, 20], [30, 30, -10, -5])
    raw.add("b.jpg", picture(), BOX)
    boxes = [a.bbox for a in raw.convert()[0].annotations]
    assert boxes == [(10, 10, 20, 20), (70, 50, 10, 10), (10, 10, 20, 20)]
    chosen = {"box_over_edge": "drop_box", "inverted_box": "repair"}
    found, quality = raw.again({**COCO, "defects": chosen})
    assert [a.bbox for a in found.annotations[:2]] == [(10, 10, 20, 20), (20, 25, 10, 5)]
    assert quality["defects"]["inverted_box"]["action"] == "corners put in order"
    chosen = {"box_over_edge": "drop_image"}
    found, quality = raw.again({**COCO, "defects": chosen, "max_dropped": 0.5})
    assert [image.file_name for image in found.images] == ["images/b.jpg"]
    assert not raw.clean("a.jpg").exists()
    with pytest.raises(DataError, match=r"box_over_edge, 1 times(.|\n)*images/a.jpg: dog \[70, 50"):
        raw.again({**COCO, "defects": {"box_over_edge": "refuse"}})
    with pytest.raises(DataError, match=r"1 of 2 images cannot(.|\n)*\(box_over_edge\)"):
        raw.again({**COCO, "defects": chosen})


def test_an_unknown_class_is_refused_unless_it_may_be_left_out(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, BOX)
    raw.boxes[0]["category_id"] = 3
    with pytest.raises(DataError, match="unknown_class, 1 times"):
        raw.convert()
    assert not (raw.folder / "clean").exists()
    found, _ = raw.again({**COCO, "defects": {"unknown_class": "drop_box"}})
    assert len(found.annotations) == 1


def test_an_image_in_two_rows_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.add("a.jpg", picture(), BOX)
    with pytest.raises(DataError, match=r"images/a.jpg stands in the annotations twice"):
        raw.convert()


def turned_picture(orientation: int) -> bytes:
    exif = Image.Exif()
    exif[0x0112] = orientation
    file = io.BytesIO()
    Image.linear_gradient("L").resize((80, 60)).convert("RGB").save(file, "JPEG", exif=exif)
    return file.getvalue()


def test_stated_sizes_decide_on_which_pixels_boxes_were_drawn(raw: Raw) -> None:
    """Orientation 6 shows the 80×60 stored pixels as 60×80, turned to the right."""
    box = [0, 0, 10, 20]
    raw.add("shown.jpg", turned_picture(6), box, width=60, height=80)
    raw.add("stored.jpg", turned_picture(6), box, width=80, height=60)
    found, quality = raw.convert()
    assert [(i.file_name, i.width, i.height) for i in found.images] == [
        ("images/shown.jpg.png", 60, 80),
        ("images/stored.jpg.png", 60, 80),
    ]
    assert [a.bbox for a in found.annotations] == [(0, 0, 10, 20), (40, 0, 20, 10)]
    assert quality["defects"]["turned_image"]["count"] == 2


def test_where_sizes_do_not_tell_boxes_are_on_what_is_shown_or_as_asked(raw: Raw) -> None:
    raw.add("a.jpg", turned_picture(3), [0, 0, 10, 20], width=80, height=60)
    raw.add("b.jpg", turned_picture(6), [0, 0, 10, 20])
    assert [a.bbox for a in raw.convert()[0].annotations] == [(0, 0, 10, 20), (0, 0, 10, 20)]
    found, _ = raw.again({**COCO, "drawn_on": "stored"})
    assert [a.bbox for a in found.annotations] == [(70, 40, 10, 20), (40, 0, 20, 10)]


def test_where_sizes_contradict_the_default_nothing_is_guessed(raw: Raw) -> None:
    raw.add("a.jpg", turned_picture(3), [0, 0, 10, 20], width=80, height=60)
    raw.add("b.jpg", turned_picture(6), [0, 0, 10, 20], width=80, height=60)
    with pytest.raises(DataError, match=r"such as images/b.jpg(.|\n)*images/a.jpg(.|\n)*drawn_on"):
        raw.convert()
    assert len(raw.again({**COCO, "drawn_on": "stored"})[0].annotations) == 2


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
    found, quality = raw.convert()
    assert (len(found.images), quality["negatives"]) == (2, 1)


def test_the_map_of_classes_is_printed_and_kept(
    raw: Raw, capsys: pytest.CaptureFixture[str]
) -> None:
    """The classic shift: ids with gaps, of which the second is not the second."""
    raw.add("a.jpg", picture(), BOX)
    raw.categories = [{"id": 90, "name": "dog"}, {"id": 18, "name": "cat"}]
    raw.boxes[0]["category_id"] = 90
    found, quality = raw.convert()
    assert quality["class_map"] == [
        {"source": ["18"], "id": 1, "name": "cat"},
        {"source": ["90"], "id": 2, "name": "dog"},
    ]
    assert found.categories[found.annotations[0].category_id] == "dog"
    assert capsys.readouterr().out.splitlines() == [
        "class 18 of the source is 1 cat",
        "class 90 of the source is 2 dog",
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
    raw = shutil.copytree(real_data / "bccd", tmp_path / "raw")
    manifest = Path(__file__).parents[2] / "config" / "sources" / "bccd.sha256"
    clean = tmp_path / "clean"
    options = {"image_sets": "ImageSets/Main", "coordinates": "edges"}
    convert(
        settings=ConvertSettings(format="voc", options=options),
        raw=raw,
        manifest=manifest,
        images=clean / "images",
        annotations=clean / "annotations.json",
        quality=clean / "quality.json",
        duplicates=clean / "duplicates.json",
    )
    quality = jsonfile.read_json(clean / "quality.json")
    assert quality["images"] == 364
    assert quality["classes"] == {"Platelets": 361, "RBC": 4153, "WBC": 372}
    assert quality["defects"].keys() == {"box_without_area"}
    assert quality["defects"]["box_without_area"]["cases"] == [
        "JPEGImages/BloodImage_00338.jpg: RBC [504, 337, 0, 0]",
        "JPEGImages/BloodImage_00343.jpg: RBC [181, 329, 0, 0]",
    ]


@pytest.mark.slow
@pytest.mark.data
def test_every_messy_image_goes_through_or_is_named(real_data: Path, raw: Raw) -> None:
    for path in sorted((real_data / "messy_images").glob("*/*.*")):
        raw.add(f"{path.parent.name}-{path.name}", path.read_bytes(), [0, 0, 1, 1])
    found, quality = raw.convert({**COCO, "max_dropped": 1})
    assert len(raw.images) == 47
    assert {kind: case["count"] for kind, case in quality["defects"].items()} == {
        "decompression_bomb": 1,
        "grey_image": 2,
        "other_colours": 11,
        "other_file_type": 5,
        "tiny_image": 1,
        "truncated_image": 3,
        "turned_image": 19,
        "unreadable_image": 2,
    }
    assert len(found.images) == 47 - 1 - 1 - 3 - 2
    for image in found.images:
        with Image.open(raw.folder / "clean" / "images" / image.file_name) as clean:
            clean.load()
            assert clean.mode == "RGB"
            assert clean.size == (image.width, image.height)
            assert clean.getexif().get(0x0112, 1) in (0, 1)
            assert clean.format in ("JPEG", "MPO", "PNG")


def convert_folder(raw: Path, clean: Path, **settings: Any) -> tuple[dataset.Dataset, Any]:
    """Convert a folder as it stands, with a manifest of all its files."""
    names = folders.files_below(raw)
    checksums.write_manifest(checksums.sha256_of(raw, names), clean / "sha256")
    convert(
        settings=ConvertSettings(**settings),
        raw=raw,
        manifest=clean / "sha256",
        images=clean / "images",
        annotations=clean / "annotations.json",
        quality=clean / "quality.json",
        duplicates=clean / "duplicates.json",
    )
    return dataset.read(clean / "annotations.json"), jsonfile.read_json(clean / "quality.json")


def write_voc(raw: Path, stem: str, size: tuple[int, int], *boxes: tuple[int, ...]) -> None:
    objects = "".join(
        f"<object><name>face</name><bndbox><xmin>{a}</xmin><ymin>{b}</ymin><xmax>{c}</xmax>"
        f"<ymax>{d}</ymax></bndbox></object>"
        for a, b, c, d in boxes
    )
    width, height = size
    text = f"<size><width>{width}</width><height>{height}</height></size>{objects}"
    (raw / "Annotations" / f"{stem}.xml").write_text(f"<annotation>{text}</annotation>")


@pytest.fixture
def voc(tmp_path: Path) -> Path:
    """Three images of 80×60 with an XML file each."""
    raw = tmp_path / "raw"
    for part in ("Annotations", "JPEGImages"):
        (raw / part).mkdir(parents=True)
    for stem in "abc":
        (raw / "JPEGImages" / f"{stem}.jpg").write_bytes(picture())
        write_voc(raw, stem, (80, 60), (1, 2, 30, 40))
    return raw


def test_files_that_belong_to_other_images_are_refused(voc: Path, tmp_path: Path) -> None:
    for stem in "abc":
        (voc / "Annotations" / f"{stem}.xml").rename(voc / "Annotations" / f"{stem}2.xml")
    with pytest.raises(
        DataError, match=r"3 of 3 images cannot(.|\n)*a2\.xml \(label_without_image"
    ):
        convert_folder(voc, tmp_path / "clean", format="voc")


def test_boxes_made_for_images_of_other_sizes_are_refused(voc: Path, tmp_path: Path) -> None:
    for stem in "abc":
        write_voc(voc, stem, (500, 375), (1, 2, 30, 40))
    with pytest.raises(DataError, match=r"3 of 3(.|\n)*500×375 stated, 80×60 found"):
        convert_folder(voc, tmp_path / "clean", format="voc")


def test_images_and_labels_alone_are_named_and_kept_only_if_asked(
    voc: Path, tmp_path: Path
) -> None:
    (voc / "JPEGImages" / "new.jpg").write_bytes(picture())
    write_voc(voc, "old", (80, 60), (1, 2, 30, 40))
    found, quality = convert_folder(voc, tmp_path / "clean", format="voc", max_dropped=0.25)
    assert len(found.images) == 3
    cases = {kind: case["cases"] for kind, case in quality["defects"].items()}
    assert cases == {
        "label_without_image": ["Annotations/old.xml"],
        "unannotated_image": ["JPEGImages/new.jpg"],
    }
    chosen = {"unannotated_image": "keep", "label_without_image": "keep"}
    found, quality = convert_folder(
        voc, tmp_path / "clean", format="voc", max_dropped=0, defects=chosen
    )
    assert (len(found.images), quality["negatives"]) == (4, 1)


@pytest.mark.data
def test_every_degenerate_face_is_named(real_data: Path, tmp_path: Path) -> None:
    """39 boxes without area, 3 inverted, of them one to the left of the image."""
    raw = tmp_path / "raw"
    (raw / "JPEGImages").mkdir(parents=True)
    shutil.copytree(
        real_data / "messy_annotations" / "wider_face_voc_degenerate", raw / "Annotations"
    )
    for path in (raw / "Annotations").glob("*.xml"):
        root = ElementTree.parse(path).getroot()
        size = tuple(int(root.findtext(f"size/{name}") or 0) for name in ("width", "height"))
        Image.new("RGB", size).save(raw / "JPEGImages" / f"{path.stem}.jpg")
    found, quality = convert_folder(
        raw, tmp_path / "clean", format="voc", options={"coordinates": "edges"}
    )
    counts = {kind: case["count"] for kind, case in quality["defects"].items()}
    assert (counts["box_without_area"], counts["inverted_box"]) == (39, 3)
    assert len(found.images) == 36
    assert any("-11" in case for case in quality["defects"]["inverted_box"]["cases"])


@pytest.mark.data
def test_the_sample_of_cadica_as_shipped(real_data: Path, tmp_path: Path) -> None:
    shipped = YAML(typ="safe").load(Path("config/sources/cadica.yaml").read_text())
    settings = {key: shipped[key] for key in ("format", "options", "defects")}
    raw = shutil.copytree(real_data / "cadica_sample", tmp_path / "raw")
    found, quality = convert_folder(raw, tmp_path / "clean", **settings)
    assert (quality["images"], quality["negatives"]) == (43, 17)
    assert {image.group for image in found.images} == {"p4", "p14", "p19", "p26"}
    counts = {kind: case["count"] for kind, case in quality["defects"].items()}
    assert counts == {"grey_image": 43, "label_without_image": 75}
    for image in found.images:
        assert (tmp_path / "clean" / "images" / image.file_name).samefile(raw / image.file_name)
