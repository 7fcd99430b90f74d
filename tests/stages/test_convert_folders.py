"""Images and label files of a folder that do or do not belong together."""

from __future__ import annotations

import shutil
from pathlib import Path

import pytest
from raw_source import convert_folder, picture
from ruamel.yaml import YAML
from tests.facts import refused

from fairtrial import DataError
from fairtrial.files import jsonfile
from fairtrial.settings.stages import ConvertSettings
from fairtrial.stages.convert import convert


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
    cases = [f"Annotations/{stem}2.xml (label_without_image)" for stem in "abc"]
    with refused(DataError, "3 of 3 images", "0.05", "max_dropped", *cases):
        convert_folder(voc, tmp_path / "clean", format="voc")


def test_boxes_made_for_images_of_other_sizes_are_refused(voc: Path, tmp_path: Path) -> None:
    for stem in "abc":
        write_voc(voc, stem, (500, 375), (1, 2, 30, 40))
    with refused(
        DataError, "3 of 3 images", "JPEGImages/a.jpg", "500×375", "80×60", "size_mismatch"
    ):
        convert_folder(voc, tmp_path / "clean", format="voc")


def test_images_and_labels_alone_are_named_and_kept_only_if_asked(
    voc: Path, tmp_path: Path
) -> None:
    (voc / "JPEGImages" / "new.jpg").write_bytes(picture())
    write_voc(voc, "old", (80, 60), (1, 2, 30, 40))
    dataset, quality = convert_folder(voc, tmp_path / "clean", format="voc", max_dropped=0.25)
    assert len(dataset.images) == 3
    cases = {kind: case["cases"] for kind, case in quality["defects"].items()}
    assert cases == {
        "label_without_image": ["Annotations/old.xml"],
        "unannotated_image": ["JPEGImages/new.jpg"],
    }
    actions = {"unannotated_image": "keep", "label_without_image": "keep"}
    dataset, quality = convert_folder(
        voc, tmp_path / "clean", format="voc", max_dropped=0, defects=actions
    )
    assert (len(dataset.images), quality["negatives"]) == (4, 1)


@pytest.mark.slow
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
        source_ids=clean / "source_ids.json",
    )
    quality = jsonfile.read_json(clean / "quality.json")
    assert quality["images"] == 364
    assert quality["classes"] == {"Platelets": 361, "RBC": 4153, "WBC": 372}
    assert quality["defects"].keys() == {"box_without_area", "overlapping_boxes"}
    assert quality["defects"]["overlapping_boxes"]["count"] == 7
    assert quality["defects"]["box_without_area"]["cases"] == [
        "JPEGImages/BloodImage_00338.jpg: RBC [504, 337, 0, 0]",
        "JPEGImages/BloodImage_00343.jpg: RBC [181, 329, 0, 0]",
    ]


@pytest.mark.data
def test_the_sample_of_cadica_as_shipped(real_data: Path, tmp_path: Path) -> None:
    shipped = YAML(typ="safe").load(Path("config/sources/cadica.yaml").read_text())
    settings = {key: shipped[key] for key in ("format", "options", "defects")}
    raw = shutil.copytree(real_data / "cadica_sample", tmp_path / "raw")
    dataset, quality = convert_folder(raw, tmp_path / "clean", **settings)
    assert (quality["images"], quality["negatives"]) == (43, 17)
    assert {image.group for image in dataset.images} == {"p4", "p14", "p19", "p26"}
    counts = {kind: case["count"] for kind, case in quality["defects"].items()}
    assert counts == {"grey_image": 43, "label_without_image": 75}
    for image in dataset.images:
        assert (tmp_path / "clean" / "images" / image.file_name).samefile(raw / image.file_name)


def test_a_folder_for_each_split_gives_the_splits(tmp_path: Path) -> None:
    """VOC in train/ and test/, each with its own folders of annotations and images."""
    raw = tmp_path / "raw"
    for place, name in (("train", "a"), ("train", "b"), ("Test", "a")):
        for folder, suffix in (("Annotations", "xml"), ("JPEGImages", "jpg")):
            (raw / place / folder).mkdir(parents=True, exist_ok=True)
            path = raw / place / folder / f"{name}.{suffix}"
            if suffix == "xml":
                box = "<xmin>2</xmin><ymin>2</ymin><xmax>30</xmax><ymax>20</ymax>"
                thing = f"<object><name>cat</name><bndbox>{box}</bndbox></object>"
                path.write_text(f"<annotation>{thing}</annotation>")
            else:
                path.write_bytes(picture())
    places = {"train": "train", "test": "Test"}
    data, quality = convert_folder(raw, tmp_path / "clean", format="voc", splits=places)
    assert {image.file_name: image.split for image in data.images} == {
        "Test/JPEGImages/a.jpg": "test",
        "train/JPEGImages/a.jpg": "train",
        "train/JPEGImages/b.jpg": "train",
    }
    assert (quality["objects"], quality["not_read"]) == (3, {})
