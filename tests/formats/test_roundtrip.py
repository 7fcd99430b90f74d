"""Out and in again: what a format is given is what `convert` makes of it."""

from __future__ import annotations

import io
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from generated import generated
from PIL import Image as images
from tests.facts import refused

from fairtrial import DataError
from fairtrial.data import dataset, imagefile
from fairtrial.data.dataset import Annotation, Dataset, Image, SplitDataset
from fairtrial.files import checksums, folders, jsonfile, packed
from fairtrial.plugins import plugin, plugins
from fairtrial.settings.stages import ConvertSettings
from fairtrial.stages.convert import convert


def writers(task: str) -> list[str]:
    """The formats that can be written from data sets of a task."""
    modules = {name: plugin("formats", name) for name in plugins("formats")}
    return [name for name, module in modules.items() if getattr(module, "WRITES", "") == task]


def nearly(box: tuple[float, ...]) -> Any:
    """Equal to a thousand-millionth of a pixel: centres and edges are sums, and are rounded."""
    return pytest.approx(box, abs=1e-9, rel=0)


def read_again(name: str, folder: Path, options: dict[str, Any], clean: Path) -> Dataset:
    names = folders.files_below(folder)
    checksums.write_manifest(checksums.sha256_of(folder, names), clean / "sha256")
    convert(
        settings=ConvertSettings(format=name, options=options, max_dropped=0),
        raw=folder,
        manifest=clean / "sha256",
        images=clean / "images",
        annotations=clean / "annotations.json",
        quality=clean / "quality.json",
        duplicates=clean / "duplicates.json",
        source_ids=clean / "source_ids.json",
    )
    assert jsonfile.read_json(clean / "quality.json")["defects"] == {}
    return dataset.read(clean / "annotations.json")


def content(data: Dataset, whole: bool, near: Callable[..., Any] = tuple) -> dict[str, Any]:
    """A set by the content of its images: what does not depend on names and numbers. `whole`:
    with all that only the hub and COCO hold. `near` makes a box comparable."""
    objects = data.by_image()
    return {
        i.sha256: (
            (i.width, i.height, i.split, i.group if whole else None),
            [
                (
                    data.categories[a.category_id],
                    near(a.bbox),
                    (a.area, a.iscrowd) if whole else None,
                )
                for a in sorted(objects[i.id], key=lambda a: (a.category_id, a.bbox))
                if whole or not a.iscrowd
            ],
        )
        for i in data.images
    }


@pytest.mark.parametrize("name", writers("detect"))
@pytest.mark.parametrize("seed", range(8), ids="seed {}".format)
def test_out_and_in_again_equals_the_hub(name: str, seed: int, tmp_path: Path) -> None:
    data = generated(seed, tmp_path / "images")
    (tmp_path / "out").mkdir()
    options = plugin("formats", name).write(data, tmp_path / "out")
    again = read_again(name, tmp_path / "out", options, tmp_path / "clean")
    assert list(again.categories.values()) == list(data.dataset.categories.values())
    if not plugin("formats", name).LOSES:  # to the last bit
        assert content(again, True) == content(data.dataset, True)
    else:
        assert content(again, False) == content(data.dataset, False, nearly)


@pytest.mark.parametrize("name", writers("classify"))
@pytest.mark.parametrize("seed", range(4), ids="seed {}".format)
def test_classes_out_and_in_again_equal_the_hub(name: str, seed: int, tmp_path: Path) -> None:
    data = generated(seed, tmp_path / "images")
    hub = data.dataset
    names = [label.replace("/", "|") for label in hub.categories.values()]
    hub.categories = dict(enumerate(names, 1))
    hub.annotations = [Annotation(i.id, 1 + i.id % len(names), None) for i in hub.images]
    (tmp_path / "out").mkdir()
    options = plugin("formats", name).write(data, tmp_path / "out")
    again = read_again(name, tmp_path / "out", options, tmp_path / "clean")
    assert list(again.categories.values()) == names
    assert labels(again) == labels(hub)


def test_packed_images_go_out_as_files_of_the_same_pixels(tmp_path: Path) -> None:
    pixels = np.random.default_rng(0).integers(0, 256, (12, 16, 14, 3), np.uint8)
    (tmp_path / "images").mkdir()
    names = packed.write(tmp_path / "images", "part.one.npy", pixels)
    hub = Dataset(categories={1: "cat", 2: "dog"})
    for at, name in enumerate(names):
        hub.images.append(Image(at, name, 14, 16, split="val" if at % 3 else "train"))
        hub.annotations.append(Annotation(at, 1 + at % 2, None))
    splits = {split: [i.id for i in hub.images if i.split == split] for split in dataset.SPLITS}
    (tmp_path / "out").mkdir()
    data = SplitDataset(hub, splits, tmp_path / "images")
    options = plugin("formats", "class_folders").write(data, tmp_path / "out")
    assert (tmp_path / "out/val/dog/part.one-01.png").is_file()
    again = read_again("class_folders", tmp_path / "out", options, tmp_path / "clean")
    kinds = {a.image_id: again.categories[a.category_id] for a in again.annotations}
    read = {
        imagefile.pixels(tmp_path / "clean/images", i.file_name).tobytes(): (i.split, kinds[i.id])
        for i in again.images
    }
    written = {
        pixels[a.image_id].tobytes(): (i.split, hub.categories[a.category_id])
        for i, a in zip(hub.images, hub.annotations, strict=True)
    }
    assert read == written


def labels(data: Dataset) -> dict[str, tuple[str | None, str]]:
    """Split and class by the content of an image."""
    kinds = {a.image_id: data.categories[a.category_id] for a in data.annotations}
    return {image.sha256: (image.split, kinds[image.id]) for image in data.images}


@pytest.mark.parametrize(
    "name",
    ["a/b", "..", "", "a\nb"],
    ids=["a slash", "the folder above", "nothing", "a line break"],
)
def test_a_class_that_cannot_be_a_folder_is_refused(name: str, tmp_path: Path) -> None:
    data = generated(0, tmp_path / "images")
    data.dataset.categories[1] = name
    (tmp_path / "out").mkdir()
    with refused(DataError, "class: ", repr(name)):
        plugin("formats", "class_folders").write(data, tmp_path / "out")
    assert not list((tmp_path / "out").iterdir())


@pytest.mark.parametrize("name", writers("detect"))
def test_images_of_one_name_stay_apart(name: str, tmp_path: Path) -> None:
    data = generated(1, tmp_path / "images")
    for at, image in enumerate(data.dataset.images):
        new = f"x{image.file_name[-4:]}" if at < 2 else f"{at}/x{image.file_name[-4:]}"
        old = tmp_path / "images" / image.file_name
        image.file_name = new
        folders.copy_file(old, tmp_path / "other" / new)
    (tmp_path / "out").mkdir()
    moved = SplitDataset(data.dataset, data.splits, tmp_path / "other")
    options = plugin("formats", name).write(moved, tmp_path / "out")
    again = read_again(name, tmp_path / "out", options, tmp_path / "clean")
    assert len(again.images) == len(data.dataset.images)
    assert content(again, False) == content(data.dataset, False, nearly)


@pytest.mark.parametrize(
    "ids",
    [[0, 1, 2], [1, 2, 3], [1, 18, 90], [90, 1, 18], [7, 3, 5]],
    ids="ids {0[0]}, {0[1]}, {0[2]}".format,
)
def test_no_way_shifts_a_class(ids: list[int], tmp_path: Path) -> None:
    """COCO's ids (from 0, from 1, with gaps, in any order) → hub → YOLO's → hub."""
    import json

    import pycocotools.coco

    file = io.BytesIO()
    images.linear_gradient("L").convert("RGB").resize((40, 40)).save(file, "PNG")
    raw = tmp_path / "raw"
    raw.mkdir()
    (raw / "a.png").write_bytes(file.getvalue())
    boxes = {name: [at, at, 10, 10] for at, name in enumerate(["cat", "dog", "owl"])}
    rows = {
        "images": [{"id": 0, "file_name": "a.png"}],
        "annotations": [
            {"id": at, "image_id": 0, "category_id": ids[at], "bbox": box}
            for at, box in enumerate(boxes.values())
        ],
        "categories": [{"id": ids[at], "name": name} for at, name in enumerate(boxes)],
    }
    (raw / "a.json").write_text(json.dumps(rows))
    options = {"files": [{"annotations": "a.json"}]}
    hub = read_again("coco", raw, options, tmp_path / "clean")
    expected = {name: tuple(box) for name, box in boxes.items()}
    assert {hub.categories[a.category_id]: a.bbox for a in hub.annotations} == expected
    loaded = pycocotools.coco.COCO(str(tmp_path / "clean" / "annotations.json"))
    assert {c["name"] for c in loaded.loadCats(loaded.getCatIds())} == set(boxes)
    assert loaded.getCatIds() == [1, 2, 3]
    (tmp_path / "yolo").mkdir()
    data = SplitDataset(hub, {"train": [1], "val": [], "test": []}, tmp_path / "clean" / "images")
    plugin("formats", "yolo").write(data, tmp_path / "yolo")
    names = [name for _, name in sorted(zip(ids, boxes, strict=True))]
    lines = (tmp_path / "yolo" / "labels" / "train" / "a.txt").read_text().split("\n")
    numbers = {names[int(line[0])]: float(line.split()[1]) * 40 - 5 for line in lines if line}
    assert numbers == pytest.approx({name: box[0] for name, box in boxes.items()})
    again = read_again("yolo", tmp_path / "yolo", {}, tmp_path / "again")
    boxes_again = {again.categories[a.category_id]: a.bbox for a in again.annotations}
    assert boxes_again == {name: pytest.approx(box) for name, box in expected.items()}


def test_pycocotools_and_ultralytics_count_what_we_count(tmp_path: Path) -> None:
    import pycocotools.coco

    from fairtrial.backends._ultralytics_files import workplace

    data = generated(5, tmp_path / "images")
    objects = data.dataset.annotations
    dataset.write(data.dataset, tmp_path / "annotations.json")
    coco = pycocotools.coco.COCO(str(tmp_path / "annotations.json"))
    assert len(coco.getImgIds()) == len(data.dataset.images)
    assert len(coco.getAnnIds()) == len(objects)
    for number in data.dataset.categories:
        ours = [a for a in objects if a.category_id == number]
        assert len(coco.getAnnIds(catIds=[number])) == len(ours)
    (tmp_path / "out").mkdir()
    plugin("formats", "yolo").write(data, tmp_path / "out")
    with workplace():
        from ultralytics.data.dataset import YOLODataset
        from ultralytics.data.utils import check_det_dataset

        yaml = check_det_dataset(str(tmp_path / "out" / "data.yaml"))
        for split in ("train", "val"):
            loaded = YOLODataset(img_path=yaml[split], data=yaml, task="detect", imgsz=64)
            ids = set(data.splits[split])
            boxes = [a for a in objects if a.image_id in ids and not a.iscrowd]
            assert len(loaded) == len(ids)
            assert sum(len(label["cls"]) for label in loaded.labels) == len(boxes)
            theirs = sorted(int(c) for label in loaded.labels for c in label["cls"].ravel())
            assert theirs == sorted(a.category_id - 1 for a in boxes)
