"""One data set as the runs on it saw it: objects, sides, what the conversion found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Any

from fairtrial.data.dataset import Dataset, Image, read
from fairtrial.files.jsonfile import read_json


@dataclass
class DatasetDescription:
    """One data set: its objects, its split, and where its images lie."""

    name: str
    data: Path
    folder: Path = field(init=False)
    _truths: dict[str, str] = field(init=False, default_factory=dict)

    def __post_init__(self) -> None:
        self.folder = self.data / "sets" / self.name

    @cached_property
    def dataset(self) -> Dataset:
        return read(self.folder / "annotations.json")

    @cached_property
    def certificate(self) -> dict[str, Any]:
        split: dict[str, Any] = read_json(self.folder / "split.json")
        return split

    @property
    def source(self) -> str:
        return str(self.certificate["source"])

    @property
    def set_of_folds(self) -> str | None:
        """What is equal in all folds of one set, as text; None where this is no fold."""
        if self.certificate.get("method") != "kfold":
            return None
        balance = self.certificate.get("balance") or {}
        told = [self.source, self.folds, balance.get("ratio"), balance.get("cap")]
        return json.dumps(
            [*told, *(self.certificate.get(key) for key in ("seed", "allow", "class_map"))]
        )

    @property
    def folds(self) -> int:
        """Of how many folds this is one."""
        return int((self.certificate.get("asked") or {}).get("folds", 0))

    @property
    def images(self) -> Path:
        return self.data / "clean" / self.source / "images"

    @cached_property
    def quality(self) -> dict[str, Any] | None:
        """What `convert` found in the source, if it said so."""
        path = self.data / "clean" / self.source / "quality.json"
        return read_json(path) if path.exists() else None

    def ground_truth_sha256(self, side: str) -> str:
        """The SHA-256 of the images of one side and of what is on them. Kept, for every run on
        this data set asks for it."""
        if side not in self._truths:
            self._truths[side] = hashlib.sha256(self._told(side).encode()).hexdigest()
        return self._truths[side]

    def _told(self, side: str) -> str:
        """One side as text."""
        names, by_image = self.dataset.categories, self.dataset.by_image()
        rows = []
        for image in self._on(side):
            objects = [
                [names[a.category_id], *map(float, a.bbox or ()), int(a.iscrowd)]
                for a in by_image[image.id]
            ]
            rows.append(
                [image.sha256 or image.file_name, image.width, image.height, *sorted(objects)]
            )
        return json.dumps([sorted(names.values()), sorted(rows, key=str)])

    def shared_images(self, side: str, other: str) -> int:
        """How many images of `side` have their content or their group on `other` too."""
        mine, theirs = (self._on(name) for name in (side, other))
        contents = {i.sha256 or i.file_name for i in theirs}
        groups = {i.group for i in theirs} - {None}
        return sum((i.sha256 or i.file_name) in contents or i.group in groups for i in mine)

    def _on(self, side: str) -> list[Image]:
        wanted = set(self.certificate.get(side) or [])
        return [image for image in self.dataset.images if image.id in wanted]
