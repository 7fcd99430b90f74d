"""Boxes in another unit, from each format through `convert`: refused with what says so."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_source import BOX, COCO, Raw, convert_folder, picture
from tests.facts import refused

from fairtrial import DataError
from fairtrial.plugins import plugin

IMAGES = 12
PIXELS = [(5 + n, 3 + n, 20, 15) for n in range(IMAGES)]  # left, top, width, height on 80×60


def grain(seed: int) -> bytes:
    """A picture that is a copy of no other: blots of colour, 80×60 pixels."""
    blots = np.random.default_rng(seed).integers(0, 256, (6, 8, 3), np.uint8)
    file = io.BytesIO()
    Image.fromarray(blots).resize((80, 60), Image.Resampling.BICUBIC).save(file, "JPEG")
    return file.getvalue()


def yolo(raw: Path, *lines: str) -> Path:
    """An image a line of text."""
    for number, line in enumerate(lines):
        for part, content in (("images", grain(number)), ("labels", line.encode())):
            path = raw / part / f"{number}.{'jpg' if part == 'images' else 'txt'}"
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_bytes(content)
    (raw / "data.yaml").write_text("train: images\nnames: [cat, dog]\n")
    return raw


def line(box: tuple[float, ...], unit: float = 1, kind: int = 0) -> str:
    x, y, w, h = box
    shares = ((x + w / 2) / 80, (y + h / 2) / 60, w / 80, h / 60)
    return f"{kind} " + " ".join(f"{share * unit:.6f}" for share in shares)


def pixels(box: tuple[float, ...]) -> str:
    x, y, w, h = box
    return f"0 {x + w / 2} {y + h / 2} {w} {h}"


def voc(raw: Path, corners: list[tuple[object, ...]]) -> Path:
    """An image a box."""
    for part in ("Annotations", "JPEGImages"):
        (raw / part).mkdir(parents=True)
    for number, values in enumerate(corners):
        (raw / "JPEGImages" / f"{number}.jpg").write_bytes(grain(number))
        names = ("xmin", "ymin", "xmax", "ymax")
        box = "".join(f"<{n}>{v}</{n}>" for n, v in zip(names, values, strict=True))
        row = f"<object><name>cat</name><bndbox>{box}</bndbox></object>"
        text = f"<annotation><size><width>80</width><height>60</height></size>{row}</annotation>"
        (raw / "Annotations" / f"{number}.xml").write_text(text)
    return raw


def boxes_of(raw: Path, clean: Path, **settings: Any) -> list[tuple[float, ...]]:
    dataset, _ = convert_folder(raw, clean, **settings)
    names = {image.id: int(Path(image.file_name).stem) for image in dataset.images}
    ordered = sorted(dataset.annotations, key=lambda a: names[a.image_id])
    return [tuple(round(v, 2) for v in a.bbox or ()) for a in ordered]


@pytest.mark.parametrize(
    ("lines", "unit"),
    [
        pytest.param([pixels(box) for box in PIXELS], "pixels", id="pixels"),
        pytest.param([line(box, 100) for box in PIXELS], "percent", id="percent"),
    ],
)
def test_yolo_in_another_unit(tmp_path: Path, lines: list[str], unit: str) -> None:
    raw, clean = yolo(tmp_path / "raw", *lines), tmp_path / "clean"
    # so small images leave open which of the two it is; both are far from shares
    with refused(DataError, "wrong_unit", "12 of 12 boxes", "not shares", "options: {boxes: "):
        convert_folder(raw, clean, format="yolo")
    assert not (clean / "images").exists()
    found = boxes_of(raw, clean, format="yolo", options={"boxes": unit})
    assert found == [tuple(map(float, box)) for box in PIXELS]


def test_some_files_of_yolo_in_percent(tmp_path: Path) -> None:
    lines = [line(box, 100 if at < 3 else 1) for at, box in enumerate(PIXELS)]
    raw = yolo(tmp_path / "raw", *lines)
    with refused(DataError, "wrong_unit", "3 of 12 boxes, on 3 of 12 images", "percent"):
        convert_folder(raw, tmp_path / "clean", format="yolo")
    with refused(DataError, "3 of 12 images", "max_dropped", "lost_boxes"):
        convert_folder(raw, tmp_path / "clean", format="yolo", defects={"wrong_unit": "keep"})


def test_yolo_with_ids_from_one(tmp_path: Path) -> None:
    lines = [line(box, kind=1 + at % 2) for at, box in enumerate(PIXELS)]
    raw = yolo(tmp_path / "raw", *lines)
    with refused(DataError, "data.yaml", "ids 1 to 2", "one-based", "{first_class: 1}"):
        convert_folder(raw, tmp_path / "clean", format="yolo")
    options = {"first_class": 1}
    _, quality = convert_folder(raw, tmp_path / "clean", format="yolo", options=options)
    assert quality["classes"] == {"cat": 6, "dog": 6}
    with refused(DataError, "unknown_class, 6 times", "class 2", "0, 1"):
        convert_folder(raw, tmp_path / "clean", format="yolo", options={"first_class": 0})


@pytest.mark.parametrize("stated", [True, False], ids=["sizes stated", "sizes unknown"])
@pytest.mark.parametrize(
    ("unit", "make"),
    [
        pytest.param("xyxy", lambda x, y, w, h: [x, y, x + w, y + h], id="corners"),
        pytest.param("shares", lambda x, y, w, h: [x / 80, y / 60, w / 80, h / 60], id="shares"),
    ],
)
def test_coco_in_another_unit(raw: Raw, unit: str, make: Any, stated: bool) -> None:
    size = {"width": 80, "height": 60} if stated else {}
    boxes = [(x * 3, y * 3, w, h) for x, y, w, h in PIXELS]
    for number, box in enumerate(boxes):
        raw.add(f"{number}.jpg", grain(number), make(*box), **size)
    with refused(DataError, "wrong_unit", "12 images", f"options: {{boxes: {unit}}}"):
        raw.convert()
    dataset, quality = raw.again({**COCO, "options": {"boxes": unit}})
    assert (quality["objects"], quality["defects"]) == (12, {})
    left = sorted(round((a.bbox or (0,))[0]) for a in dataset.annotations)
    assert left == [box[0] for box in boxes]


@pytest.mark.parametrize(
    ("corners", "option"),
    [
        pytest.param(
            [(x + 20, y + 20, w, h) for x, y, w, h in PIXELS], "coordinates: sizes", id="sizes"
        ),
        pytest.param(
            [(0, 0, 20, 15), *((x, y, x + w, y + h) for x, y, w, h in PIXELS)],
            *("coordinates: edges",),
            id="a zero",
        ),
        pytest.param(
            [(x + 0.5, y, x + w, y + h) for x, y, w, h in PIXELS],
            *("coordinates: edges",),
            id="fractions",
        ),
        pytest.param(
            [(x / 80, y / 60, (x + w) / 80, (y + h) / 60) for x, y, w, h in PIXELS],
            *("coordinates: shares",),
            id="shares",
        ),
        pytest.param(
            [(f"{x},25", f"{y},5", f"{x + w},0", f"{y + h},75") for x, y, w, h in PIXELS],
            *('decimal: ","',),
            id="decimal commas",
        ),
    ],
)
def test_voc_in_another_unit(tmp_path: Path, corners: Any, option: str) -> None:
    raw, clean = voc(tmp_path / "raw", corners), tmp_path / "clean"
    with refused(DataError, "wrong_unit", option):
        convert_folder(raw, clean, format="voc")
    key, _, value = option.partition(": ")
    options = {"coordinates": "edges", key: value.strip('"')}
    dataset, quality = convert_folder(raw, clean, format="voc", options=options)
    assert quality["defects"] == {}
    assert len(dataset.annotations) == len(corners)


def test_a_fraction_among_hundreds_of_whole_numbers_proves_nothing(tmp_path: Path) -> None:
    raw = voc(tmp_path / "raw", [(5, 3, 25, 18)])
    row = (raw / "Annotations/0.xml").read_text()
    start, end = row.index("<object>"), row.index("</annotation>")
    boxes = [row[start:end].replace("25<", f"{25 + n / 10:g}<") for n in range(0, 2000, 10)]
    boxes[7] = boxes[7].replace("5<", "5.7<", 1)
    (raw / "Annotations/0.xml").write_text(row[:start] + "".join(boxes) + row[end:])
    _, defects = plugin("formats", "voc").read(raw, plugin("formats", "voc").Settings())
    assert defects == []


def test_voc_in_whole_pixels_is_not_doubted(tmp_path: Path) -> None:
    corners: list[tuple[object, ...]] = [(x, y, x + w, y + h) for x, y, w, h in PIXELS]
    _, quality = convert_folder(voc(tmp_path / "raw", corners), tmp_path / "clean", format="voc")
    assert (quality["objects"], quality["defects"]) == (12, {})


def test_an_image_whose_boxes_are_all_lost_is_no_negative(raw: Raw) -> None:
    raw.add("lost.jpg", picture(), [200, 200, 5, 5], [10, 10, 0, 5])
    raw.add("empty.jpg", picture())
    raw.add("half.jpg", picture(), [200, 200, 5, 5], BOX)
    dataset, quality = raw.convert({**COCO, "max_dropped": 1})
    assert [image.file_name for image in dataset.images] == ["images/empty.jpg", "images/half.jpg"]
    assert quality["defects"]["lost_boxes"]["cases"] == ["images/lost.jpg: boxes: 2"]
    assert (quality["read"], quality["images"], quality["negatives"]) == (3, 2, 1)
    assert not raw.clean("lost.jpg").exists()
    settings = {**COCO, "max_dropped": 1, "defects": {"lost_boxes": "keep"}}
    assert raw.again(settings)[1]["negatives"] == 2


def test_an_image_whose_object_cannot_be_read_is_no_negative(raw: Raw) -> None:
    raw.add("bad.jpg", picture(), BOX)
    raw.add("good.jpg", picture(), BOX)
    raw.boxes[0]["bbox"] = [1, 2, 3]
    with refused(DataError, "malformed_object, 1 times", "images/bad.jpg", "3 values", "`drop_box"):
        raw.convert()
    actions = {"malformed_object": "drop_box"}
    dataset, _ = raw.again({**COCO, "max_dropped": 0.5, "defects": actions})
    assert [image.file_name for image in dataset.images] == ["images/good.jpg"]


def test_boxes_of_less_than_a_pixel_are_dropped_unless_kept(raw: Raw) -> None:
    raw.add("a.jpg", picture(), BOX, [5, 5, 0.5, 9], [79.5, 5, 9, 9], [5, 5, 1, 1])
    dataset, quality = raw.convert({**COCO, "max_dropped": 0.5})
    assert [a.bbox for a in dataset.annotations] == [(5, 5, 1, 1), (10, 10, 20, 20)]
    assert quality["defects"]["tiny_box"]["count"] == 2
    kept, _ = raw.again({**COCO, "defects": {"tiny_box": "keep"}})
    assert len(kept.annotations) == 4
