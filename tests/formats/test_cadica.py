from pathlib import Path

import pytest
from tests.facts import refused
from written import Scene, write_cadica

from fairtrial import DataError
from fairtrial.data.dataset import Dataset
from fairtrial.data.defects import (
    Defect,
    LabelWithoutImage,
    MalformedObject,
    UnannotatedImage,
    UnknownClass,
)
from fairtrial.formats import cadica

PATIENT = "selectedVideos/p1"


@pytest.fixture
def raw(tmp_path: Path) -> Path:
    write_cadica(Scene(), tmp_path)
    return tmp_path


def read(raw: Path, **options: object) -> tuple[Dataset, list[Defect]]:
    return cadica.read(
        raw, cadica.Settings.model_validate({"classes": ["cat", "dog", "owl"], **options})
    )


def test_the_group_is_the_patient_or_the_video(raw: Path) -> None:
    assert {image.group for image in read(raw)[0].images} == {"p1"}
    groups = [image.group for image in read(raw, group="video")[0].images]
    assert groups == ["p1_va", "p1_vb", "p1_vc"]


def test_a_frame_that_is_not_selected_does_not_belong_to_the_set(raw: Path) -> None:
    (raw / PATIENT / "va" / "p1_va_selectedFrames.txt").write_text("")
    dataset, defects = read(raw)
    assert [Path(image.file_name).stem for image in dataset.images] == ["b", "c"]
    label = f"{PATIENT}/va/groundtruth/a.txt"
    assert defects == [LabelWithoutImage(label, "not a selected frame")]


def test_a_frame_with_lesions_but_without_a_text_file_is_named(raw: Path) -> None:
    (raw / PATIENT / "vb" / "groundtruth" / "b.txt").unlink()
    assert read(raw)[1] == [UnannotatedImage(f"{PATIENT}/vb/input/b.png")]


def test_a_video_without_folder_is_named(raw: Path) -> None:
    (raw / PATIENT / "nonlesionVideos.txt").write_text("v7\r\nvc")
    assert read(raw)[1] == [LabelWithoutImage(PATIENT, "lists v7, which has no folder")]


def test_an_unknown_class_is_named(raw: Path) -> None:
    dataset, defects = read(raw, classes=["cat", "owl"])
    case = "b.txt:1: 'dog'; there are cat, owl"
    assert defects == [UnknownClass(f"{PATIENT}/vb/input/b.png", case)]
    assert len(dataset.annotations) == 3


def test_pixels_may_be_counted_from_1(raw: Path) -> None:
    first, *_ = read(raw, first_pixel=1)[0].annotations
    assert first.bbox == (7, 5, 16, 12)


def test_what_is_refused(raw: Path) -> None:
    (raw / PATIENT / "vb" / "groundtruth" / "b.txt").write_text("1 2 3 dog")
    seen = "b.txt:1: not `x y width height class`: '1 2 3 dog'"
    assert MalformedObject(f"{PATIENT}/vb/input/b.png", seen) in read(raw)[1]
    (raw / PATIENT / "va" / "p1_va_selectedFrames.txt").unlink()
    with refused(DataError, "p1_va_selectedFrames.txt", "no such file"):
        read(raw)


@pytest.mark.data
def test_the_sample_of_cadica(real_data: Path) -> None:
    dataset, defects = cadica.read(real_data / "cadica_sample", cadica.Settings())
    assert len(dataset.images) == 43
    assert {image.group for image in dataset.images} == {"p4", "p14", "p19", "p26"}
    assert len({a.image_id for a in dataset.annotations}) == 26
    assert [type(defect) for defect in defects] == [LabelWithoutImage] * 75
    assert {dataset.categories[a.category_id] for a in dataset.annotations} == {
        "p0_20",
        "p20_50",
        "p50_70",
        "p70_90",
        "p90_98",
    }
    for image in dataset.images:
        assert (real_data / "cadica_sample" / image.file_name).is_file()
