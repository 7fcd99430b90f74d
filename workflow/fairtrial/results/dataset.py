"""One data set as the runs on it saw it: objects, splits, what the conversion found."""

from __future__ import annotations

import hashlib
import json
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path

from fairtrial.data.certificate import SplitCertificate, read_certificate
from fairtrial.data.dataset import Dataset, Image, read
from fairtrial.data.quality import QualityReport
from fairtrial.files.modelfile import read_model


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
    def certificate(self) -> SplitCertificate:
        return read_certificate(self.folder / "split.json")

    @property
    def source(self) -> str:
        return self.certificate.source

    @property
    def set_of_folds(self) -> str | None:
        """What is equal in all folds of one set, as text; None where this is no fold."""
        made = self.certificate
        if not made.folds:
            return None
        balance = (made.balance.ratio, made.balance.cap) if made.balance else None
        return json.dumps([made.source, made.folds, balance, made.seed, made.allow, made.class_map])

    @property
    def folds(self) -> int:
        """Of how many folds this is one."""
        return self.certificate.folds

    @property
    def images(self) -> Path:
        return self.data / "clean" / self.source / "images"

    @cached_property
    def quality(self) -> QualityReport | None:
        """What `convert` found in the source; None where its report is not here."""
        path = self.data / "clean" / self.source / "quality.json"
        return read_model(path, QualityReport) if path.exists() else None

    def ground_truth_sha256(self, split: str) -> str:
        """The SHA-256 of the images of one split and of what is on them. Kept, for every run on
        this data set asks for it."""
        if split not in self._truths:
            self._truths[split] = hashlib.sha256(self._ground_truth(split).encode()).hexdigest()
        return self._truths[split]

    def _ground_truth(self, split: str) -> str:
        """The images of a split and the objects on them, as JSON."""
        names, by_image = self.dataset.categories, self.dataset.by_image()
        rows = []
        for image in self._images(split):
            objects = [
                [names[a.category_id], *map(float, a.bbox or ()), int(a.iscrowd)]
                for a in by_image[image.id]
            ]
            rows.append(
                [image.sha256 or image.file_name, image.width, image.height, *sorted(objects)]
            )
        return json.dumps([sorted(names.values()), sorted(rows, key=str)])

    def shared_images(self, split: str, other: str) -> int:
        """How many images of `split` have their content or their group in `other` too."""
        mine, theirs = (self._images(name) for name in (split, other))
        contents = {i.sha256 or i.file_name for i in theirs}
        groups = {i.group for i in theirs} - {None}
        return sum((i.sha256 or i.file_name) in contents or i.group in groups for i in mine)

    def _images(self, split: str) -> list[Image]:
        inside = set(self.certificate.splits[split])
        return [image for image in self.dataset.images if image.id in inside]
