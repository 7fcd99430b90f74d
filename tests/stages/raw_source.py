"""Raw folders for tests of `convert`."""

from __future__ import annotations

import io
import json
from pathlib import Path
from typing import Any

from PIL import Image

from fairtrial.data import dataset
from fairtrial.files import checksums, folders, jsonfile
from fairtrial.settings.stages import ConvertSettings
from fairtrial.stages.convert import convert

COCO = {"format": "coco"}
BOX = [10, 10, 20, 20]


def with_equal_pictures(settings: dict[str, Any]) -> ConvertSettings:
    """The settings for tests that have one picture in many files, whatever the boxes."""
    actions = {"contradicting_labels": "keep"} | settings.get("defects", {})
    return ConvertSettings(**settings | {"defects": actions})


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
            settings=with_equal_pictures(settings),
            raw=self.folder / "raw",
            manifest=self.folder / "raw.sha256",
            images=clean / "images",
            annotations=clean / "annotations.json",
            quality=clean / "quality.json",
            duplicates=clean / "duplicates.json",
            source_ids=clean / "source_ids.json",
        )
        quality = jsonfile.read_json(clean / "quality.json")
        return dataset.read(clean / "annotations.json"), quality

    def clean(self, name: str) -> Path:
        return self.folder / "clean" / "images" / "images" / name


def picture(kind: str = "JPEG", mode: str = "RGB", size: tuple[int, int] = (80, 60)) -> bytes:
    image = Image.linear_gradient("L").resize(size).convert(mode)
    file = io.BytesIO()
    image.save(file, kind)
    return file.getvalue()


def convert_folder(raw: Path, clean: Path, **settings: Any) -> tuple[dataset.Dataset, Any]:
    """Convert a folder as it stands, with a manifest of all its files."""
    names = folders.files_below(raw)
    checksums.write_manifest(checksums.sha256_of(raw, names), clean / "sha256")
    convert(
        settings=with_equal_pictures(settings),
        raw=raw,
        manifest=clean / "sha256",
        images=clean / "images",
        annotations=clean / "annotations.json",
        quality=clean / "quality.json",
        duplicates=clean / "duplicates.json",
        source_ids=clean / "source_ids.json",
    )
    return dataset.read(clean / "annotations.json"), jsonfile.read_json(clean / "quality.json")
