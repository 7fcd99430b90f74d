"""What convert keeps of the source's own names and ids."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
from PIL import Image
from raw_source import convert_folder

from fairtrial.data.source_ids import SourceIds, own_class
from fairtrial.files.modelfile import read_model


def source(folder: Path) -> Path:
    """COCO JSON of three images: one is written anew as PNG, one has no file."""
    rng = np.random.default_rng(0)
    for name in ("b.png", "a.gif"):
        pixels = rng.integers(0, 256, (48, 64, 3), np.uint8)
        (folder / "deep").mkdir(parents=True, exist_ok=True)
        Image.fromarray(pixels).save(folder / "deep" / name)
    images = {"b.png": 900, "gone.png": 5, "a.gif": "17"}
    content = {
        "images": [{"id": n, "file_name": f"deep/{name}"} for name, n in images.items()],
        "annotations": [
            {"id": 1, "image_id": n, "category_id": 90, "bbox": [1, 2, 30, 40]} for n in (900, 17)
        ],
        "categories": [{"id": 90, "name": "owl"}, {"id": 3, "name": "cat"}],
    }
    (folder / "annotations.json").write_text(json.dumps(content))
    return folder


def test_own_files_and_ids_stand_in_the_order_of_ours(tmp_path: Path) -> None:
    options = {"files": [{"annotations": "annotations.json"}]}
    dataset, _ = convert_folder(
        source(tmp_path / "raw"), tmp_path, format="coco", options=options, max_dropped=0.5
    )
    ids = read_model(tmp_path / "source_ids.json", SourceIds)
    assert [image.file for image in ids.images] == [image.file_name for image in dataset.images]
    assert [(image.file, image.source_file, image.source_id) for image in ids.images] == [
        ("deep/a.gif.png", "deep/a.gif", 17),
        ("deep/b.png", "deep/b.png", 900),
    ]
    assert ids.classes == {"cat": ["3"], "owl": ["90"]}


def test_ids_of_a_contributor_are_kept_with_its_folder(tmp_path: Path) -> None:
    source(tmp_path / "raw" / "ana")
    options = {"files": [{"annotations": "annotations.json"}]}
    parts = [{"folder": "ana", "format": "coco", "options": options}]
    raw, settings = tmp_path / "raw", {"format": "contributors", "options": {"parts": parts}}
    convert_folder(raw, tmp_path, **settings, max_dropped=0.5)
    ids = read_model(tmp_path / "source_ids.json", SourceIds)
    assert {image.source_file: image.source_id for image in ids.images} == {
        "ana/deep/a.gif": 17,
        "ana/deep/b.png": 900,
    }


def test_a_class_of_a_set_is_one_of_the_source_or_none() -> None:
    ids = SourceIds(images=[], classes={"cat": ["3"], "owl": ["90"], "yak": ["4"]})
    class_map = {"cat": "pet", "owl": "bird", "yak": "pet"}
    assert own_class(ids, class_map, "bird") == "90"
    assert own_class(ids, class_map, "pet") is None
