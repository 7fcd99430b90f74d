"""Boxes in another unit, from each format through `convert`: refused with what says so."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from PIL import Image
from raw_source import BOX, COCO, Raw, convert_folder, picture
from tests.facts import refused

from fairtrial import DataError
from fairtrial.files.yamlfile import read_yaml_text
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


def put(raw: Path, texts: dict[str, str], images: str) -> Path:
    """Files, and a picture for each of the boxes."""
    pictures = {images.format(n): grain(n) for n in range(IMAGES)}
    for file, content in {**{f: t.encode() for f, t in texts.items()}, **pictures}.items():
        (raw / file).parent.mkdir(parents=True, exist_ok=True)
        (raw / file).write_bytes(content)
    return raw


Corners = list[tuple[float, float, float, float]]


def cvat(raw: Path, corners: Corners) -> Path:
    rows = [
        f'<image id="{n}" name="{n}.jpg" width="80" height="60"><box label="cat" '
        f'xtl="{a}" ytl="{b}" xbr="{c}" ybr="{d}"/></image>'
        for n, (a, b, c, d) in enumerate(corners)
    ]
    text = f"<annotations>{''.join(rows)}</annotations>"
    return put(raw, {"annotations.xml": text}, "images/{}.jpg")


def labelme(raw: Path, corners: Corners) -> Path:
    texts = {}
    for n, (a, b, c, d) in enumerate(corners):
        row = {"label": "cat", "shape_type": "rectangle", "points": [[a, b], [c, d]]}
        content = {"shapes": [row], "imagePath": f"{n}.jpg", "imageWidth": 80, "imageHeight": 60}
        texts[f"{n}.json"] = json.dumps(content)
    return put(raw, texts, "{}.jpg")


def cadica(raw: Path, corners: Corners) -> Path:
    video = "selectedVideos/p1/v1"
    frames = {
        f"{video}/groundtruth/{n}.txt": f"{a} {b} {c} {d} p99"
        for n, (a, b, c, d) in enumerate(corners)
    }
    lists = {
        "selectedVideos/p1/lesionVideos.txt": "v1",
        "selectedVideos/p1/nonlesionVideos.txt": "",
        f"{video}/p1_v1_selectedFrames.txt": " ".join(map(str, range(len(corners)))),
    }
    return put(raw, {**lists, **frames}, video + "/input/{}.png")


def open_images(raw: Path, corners: Corners) -> Path:
    rows = [f"{n},cat,{a},{c},{b},{d}" for n, (a, b, c, d) in enumerate(corners)]
    text = "\n".join(["ImageID,LabelName,XMin,XMax,YMin,YMax", *rows])
    return put(raw, {"boxes.csv": text}, "images/{}.jpg")


OPEN_IMAGES = {"tables": [{"boxes": "boxes.csv", "images": "images"}], "names": None}
SHARES: Corners = [(x / 80, y / 60, (x + w) / 80, (y + h) / 60) for x, y, w, h in PIXELS]
CORNERS: Corners = [(x, y, x + w, y + h) for x, y, w, h in PIXELS]
FAR_CORNERS: Corners = [(x + 30, y + 25, x + 50, y + 40) for x, y, _, _ in PIXELS]


@pytest.mark.parametrize(
    ("make", "corners", "options", "facts"),
    [
        pytest.param(cvat, SHARES, {}, ["shares", "mend", "in pixels"], id="cvat: shares"),
        pytest.param(labelme, SHARES, {}, ["shares", "mend", "in pixels"], id="labelme: shares"),
        pytest.param(cadica, SHARES, {}, ["shares", "mend", "in pixels"], id="cadica: shares"),
        pytest.param(
            cadica,
            FAR_CORNERS,
            {},
            ["x1, y1, x2, y2", "mend", "width height"],
            id="cadica: corners",
        ),
        pytest.param(
            *(open_images, [(a * 5, b * 5, c * 5, d * 5) for a, b, c, d in CORNERS], OPEN_IMAGES),
            ["pixels, not shares", "format: box_csv", "coordinates: edges"],
            id="open_images: pixels",
        ),
    ],
)
def test_a_format_without_another_unit_says_so_or_names_one_that_has(
    tmp_path: Path, make: Any, corners: Corners, options: dict[str, Any], facts: list[str]
) -> None:
    raw = make(tmp_path / "raw", corners)
    with refused(DataError, "wrong_unit", *facts):
        convert_folder(raw, tmp_path / "clean", format=make.__name__, options=options)


def test_the_table_of_open_images_in_pixels_is_read_by_what_is_named(tmp_path: Path) -> None:
    raw = open_images(tmp_path / "raw", CORNERS)
    named = plugin("formats", "open_images").REMEDIES["pixels"]
    filled = named.replace("table: …, images: …", "table: boxes.csv, images: images")
    settings = read_yaml_text(f"{{{filled}}}", "the remedy")
    found = boxes_of(raw, tmp_path / "clean", **settings)
    assert found == [tuple(map(float, box)) for box in PIXELS]


@pytest.mark.parametrize("splits", [None, {"train": "a"}], ids=["no splits", "a folder a split"])
def test_the_unit_of_one_contributor_is_named_with_the_remedy_of_its_format(
    tmp_path: Path, splits: dict[str, str] | None
) -> None:
    """And not lost among the boxes of another one."""
    raw = tmp_path / "raw" / "a" if splits else tmp_path / "raw"
    voc(raw / "Ana", CORNERS * 9)
    voc(raw / "Zoë", [(x + 20, y + 20, w, h) for x, y, w, h in PIXELS])
    edges = {"coordinates": "edges"}
    parts = [{"folder": who, "format": "voc", "options": edges} for who in ("Ana", "Zoë")]
    settings = {"format": "contributors", "options": {"parts": parts}, "splits": splits}
    place = "a/Zoë" if splits else "Zoë"
    with refused(DataError, "12 of 12 boxes", f"for {place}, set", "coordinates: sizes") as error:
        convert_folder(tmp_path / "raw", tmp_path / "clean", **settings)
    assert "for Ana" not in str(error.value)


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
