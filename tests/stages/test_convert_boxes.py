"""Boxes: on which pixels they were drawn, and what becomes of broken ones."""

from __future__ import annotations

import io
import shutil
from pathlib import Path
from xml.etree import ElementTree

import pytest
from PIL import Image
from raw_source import BOX, COCO, Raw, convert_folder, picture
from tests.facts import refused

from fairtrial import DataError


def test_boxes_for_another_size_are_not_taken_over_unless_asked(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, width=160, height=60)
    raw.add("b.jpg", picture(), BOX, width=0, height=0)
    raw.add("c.jpg", picture(), BOX, width=80, height=60)
    dataset, quality = raw.convert({**COCO, "max_dropped": 0.5})
    assert [image.file_name for image in dataset.images] == ["images/b.jpg", "images/c.jpg"]
    assert not raw.clean("a.jpg").exists()
    assert {(image.width, image.height) for image in dataset.images} == {(80, 60)}
    cases = quality["defects"].pop("size_mismatch")["cases"]
    assert cases == ["images/a.jpg: 160×60 stated, 80×60 found"]
    assert quality["defects"] == {}
    for action, box in {"keep": (10, 10, 20, 20), "repair": (5, 10, 10, 20)}.items():
        dataset, quality = raw.again({**COCO, "defects": {"size_mismatch": action}})
        assert [a.bbox for a in dataset.annotations] == [box, (10, 10, 20, 20), (10, 10, 20, 20)]
        assert quality["defects"]["size_mismatch"]["rule"] == action
        assert dataset.annotations[0].area == box[2] * box[3]


def test_an_object_that_stands_there_twice_counts_once(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, BOX, [10, 10, 20, 21])
    dataset, quality = raw.convert()
    assert len(dataset.annotations) == 2
    assert quality["defects"]["duplicate_box"]["cases"] == ["images/a.jpg: dog [10, 10, 20, 20]"]
    assert len(raw.again({**COCO, "defects": {"duplicate_box": "keep"}})[0].annotations) == 3


def test_two_classes_or_a_crowd_in_one_box_are_no_duplicates(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, BOX, BOX)
    raw.boxes[0]["category_id"] = 1
    raw.boxes[1]["iscrowd"] = 1
    dataset, quality = raw.convert()
    assert (len(dataset.annotations), quality["defects"]) == (3, {})


def test_every_action_of_boxes_is_done(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, [70, 50, 20, 20], [30, 30, -10, -5])
    raw.add("b.jpg", picture(), BOX)
    boxes = [a.bbox for a in raw.convert({**COCO, "max_dropped": 0.5})[0].annotations]
    assert boxes == [(10, 10, 20, 20), (70, 50, 10, 10), (10, 10, 20, 20)]
    actions = {"box_over_edge": "drop_box", "inverted_box": "repair"}
    dataset, quality = raw.again({**COCO, "defects": actions, "max_dropped": 0.5})
    assert [a.bbox for a in dataset.annotations[:2]] == [(10, 10, 20, 20), (20, 25, 10, 5)]
    assert quality["defects"]["inverted_box"]["action"] == "corners put in order"
    actions = {"box_over_edge": "drop_image"}
    dataset, quality = raw.again({**COCO, "defects": actions, "max_dropped": 0.5})
    assert [image.file_name for image in dataset.images] == ["images/b.jpg"]
    assert not raw.clean("a.jpg").exists()
    case = "images/a.jpg: dog [70, 50, 20, 20]"
    remedies = ["`defects: {box_over_edge: …}`", "`repair`, `drop_box`, `drop_image`"]
    with refused(DataError, "box_over_edge, 1 times", case, *remedies):
        raw.again({**COCO, "defects": {"box_over_edge": "refuse"}})
    with refused(DataError, "1 of 2 images", "0.05", "max_dropped", f"{case} (box_over_edge)"):
        raw.again({**COCO, "defects": actions})
    with refused(DataError, "1 of 4 boxes", "0.05", "max_dropped", "[30, 30, -10, -5]"):
        raw.again()


def test_an_unknown_class_is_refused_unless_it_may_be_left_out(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, BOX)
    raw.boxes[0]["category_id"] = 3
    with refused(DataError, "unknown_class, 1 times", "images/a.jpg", "id 3", "`drop_box`"):
        raw.convert()
    assert not (raw.folder / "clean").exists()
    dataset, _ = raw.again({**COCO, "defects": {"unknown_class": "drop_box"}})
    assert len(dataset.annotations) == 1


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
    dataset, quality = raw.convert()
    assert [(i.file_name, i.width, i.height) for i in dataset.images] == [
        ("images/shown.jpg.png", 60, 80),
        ("images/stored.jpg.png", 60, 80),
    ]
    assert [a.bbox for a in dataset.annotations] == [(0, 0, 10, 20), (40, 0, 20, 10)]
    assert quality["defects"]["turned_image"]["count"] == 2


def test_where_sizes_do_not_tell_boxes_are_on_what_is_shown_or_as_asked(raw: Raw) -> None:
    raw.add("a.jpg", turned_picture(3), [0, 0, 10, 20], width=80, height=60)
    raw.add("b.jpg", turned_picture(6), [0, 0, 10, 20])
    assert [a.bbox for a in raw.convert()[0].annotations] == [(0, 0, 10, 20), (0, 0, 10, 20)]
    dataset, _ = raw.again({**COCO, "drawn_on": "stored"})
    assert [a.bbox for a in dataset.annotations] == [(70, 40, 10, 20), (40, 0, 20, 10)]


def test_where_sizes_contradict_the_default_nothing_is_guessed(raw: Raw) -> None:
    raw.add("a.jpg", turned_picture(3), [0, 0, 10, 20], width=80, height=60)
    raw.add("b.jpg", turned_picture(6), [0, 0, 10, 20], width=80, height=60)
    images = ["such as images/b.jpg) the stated size", "such as images/a.jpg) no size tells"]
    with refused(DataError, "2 images", *images, "`drawn_on: stored`", "`drawn_on: shown`"):
        raw.convert()
    assert len(raw.again({**COCO, "drawn_on": "stored"})[0].annotations) == 2


def test_each_broken_box_is_repaired_or_dropped_and_counted(raw: Raw) -> None:
    broken: dict[str, list[float]] = {
        "box_without_area": [10, 10, 0, 5],
        "inverted_box": [10, 10, -5, 5],
        "box_outside": [90, 10, 5, 5],
        "box_over_edge": [70, 50, 20, 20],
        "tiny_box": [10, 10, 0.5, 20],
        "box_not_numbers": [10, float("nan"), 5, 5],
    }
    raw.add("a.jpg", picture(), BOX, *broken.values())
    dataset, quality = raw.convert({**COCO, "max_dropped": 1})
    assert [a.bbox for a in dataset.annotations] == [(10, 10, 20, 20), (70, 50, 10, 10)]
    assert [a.area for a in dataset.annotations] == [400, 100]
    assert {name: defect["count"] for name, defect in quality["defects"].items()} == dict.fromkeys(
        broken, 1
    )
    assert quality["defects"]["inverted_box"]["cases"] == ["images/a.jpg: dog [10, 10, -5, 5]"]
    assert all(d["explanation"] and d["action"] for d in quality["defects"].values())


def test_crowds_and_areas_of_segments_are_kept(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.add("b.jpg", picture(), BOX)
    raw.boxes[0] |= {"iscrowd": 1, "area": 123.5}
    dataset, quality = raw.convert()
    kept = [(annotation.iscrowd, annotation.area) for annotation in dataset.annotations]
    assert kept == [(True, 123.5), (False, 400.0)]
    assert (quality["objects"], quality["negatives"], quality["classes"]) == (
        1,
        1,
        {"cat": 0, "dog": 1},
    )


def test_a_set_of_crowd_regions_alone_is_refused(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX)
    raw.boxes[0] |= {"iscrowd": 1}
    with refused(DataError, "none of the 1 images", "object", "all 1 annotations are crowd"):
        raw.convert()


def test_boxes_that_are_equal_but_for_rounding_are_one(raw: Raw) -> None:
    raw.add(
        "a.jpg", picture(), BOX, [10.00008, 10, 20, 19.9999], [10.5, 10, 20, 20], [40, 30, 5, 5]
    )
    dataset, quality = raw.convert()
    boxes = [list(annotation.bbox or ()) for annotation in dataset.annotations]
    assert boxes == [BOX, [10.5, 10, 20, 20], [40, 30, 5, 5]]
    cases = {kind: defect["count"] for kind, defect in quality["defects"].items()}
    assert cases == {"duplicate_box": 1, "overlapping_boxes": 1}


def test_the_later_one_of_overlapping_boxes_may_be_dropped(raw: Raw) -> None:
    raw.add("a.jpg", picture(), [10.5, 10, 20, 20], BOX, [40, 30, 5, 5])
    dataset, quality = raw.convert({**COCO, "defects": {"overlapping_boxes": "drop_box"}})
    boxes = [list(annotation.bbox or ()) for annotation in dataset.annotations]
    assert boxes == [[10.5, 10, 20, 20], [40, 30, 5, 5]]
    assert quality["defects"]["overlapping_boxes"]["cases"] == [
        "images/a.jpg: dog [10.5, 10, 20, 20] and dog [10, 10, 20, 20]"
    ]


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
    options = {"coordinates": "edges"}
    dataset, quality = convert_folder(
        raw, tmp_path / "clean", format="voc", options=options, max_dropped=0.25
    )
    counts = {kind: case["count"] for kind, case in quality["defects"].items()}
    assert (counts["box_without_area"], counts["inverted_box"]) == (39, 3)
    assert counts["lost_boxes"] == 8, "of these images no face is known"
    assert len(dataset.images) == 36 - 8
    assert any("-11" in case for case in quality["defects"]["inverted_box"]["cases"])
