"""The data set of a run: its objects, its splits, and the quality report of its source."""

from __future__ import annotations

import json
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from pathlib import Path
from typing import Protocol

from fairtrial.data.certificate import SplitCertificate, read_certificate
from fairtrial.data.dataset import Dataset, Image, read
from fairtrial.data.ground_truth import content_id, ground_truth_sha256
from fairtrial.data.quality import QualityReport
from fairtrial.data.unlabelled import PREDICTED
from fairtrial.files.modelfile import read_model
from fairtrial.settings.run_name import without_folds


@dataclass
class DatasetDescription:
    """One data set by its name; `data` is the data folder."""

    name: str
    data: Path
    _hashes: dict[str, str] = field(init=False, default_factory=dict)  # by split

    @property
    def folder(self) -> Path:
        return self.data / "sets" / self.name

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
    def name_of_folds(self) -> str:
        """Its name; of a fold, that of all folds: `5 folds of cells`."""
        if self.set_of_folds is None:
            return self.name
        return f"{self.certificate.folds} folds of {without_folds(self.name)}"

    @property
    def set_of_folds(self) -> str | None:
        """A text that is equal for all folds of one data set; None where this is no fold."""
        split = self.certificate
        if not split.folds:
            return None
        balance = (split.balance.ratio, split.balance.cap) if split.balance else None
        return json.dumps(
            [split.source, split.folds, balance, split.seed, split.allow, split.class_map]
        )

    @property
    def folds(self) -> int:
        """The number of folds of which this is one; 0 where it is none."""
        return self.certificate.folds

    @property
    def images(self) -> Path:
        """The folder of images."""
        return self.data / "clean" / self.source / "images"

    @cached_property
    def quality(self) -> QualityReport | None:
        """The quality report of `convert` on the source; None where it is not here."""
        path = self.data / "clean" / self.source / "quality.json"
        return read_model(path, QualityReport) if path.exists() else None

    @cached_property
    def by_file(self) -> dict[str, Image]:
        """The images by file name."""
        return {image.file_name: image for image in self.dataset.images}

    def units_of(self, split: str) -> int:
        """How many independent units one split has: groups or copies count once."""
        ids = set(self.certificate.splits[split])
        joint = [ids.intersection(unit) for unit in self.certificate.units]
        return len(ids) - sum(len(unit) - 1 for unit in joint if unit)

    def ground_truth_sha256(self, split: str) -> str:
        """The SHA-256 of the images of one split and of their ground truth. Computed once for each
        split, since every run on this data set needs it."""
        if split not in self._hashes:
            images = self.images_of(split)
            self._hashes[split] = ground_truth_sha256(self.dataset, images)
        return self._hashes[split]

    def shared_images(self, split: str, other: str) -> int:
        """How many images of `split` have their content or their group in `other` too; 0 for a
        split that is only predicted."""
        if self.certificate.predict_only and PREDICTED in (split, other):
            return 0
        images, others = self.images_of(split), self.images_of(other)
        contents = {content_id(image) for image in others}
        groups = {image.group for image in others} - {None}
        return sum(content_id(image) in contents or image.group in groups for image in images)

    def images_of(self, split: str) -> list[Image]:
        """The images of one split."""
        ids = set(self.certificate.splits[split])
        return [image for image in self.dataset.images if image.id in ids]


def without_further_folds(descriptions: Iterable[DatasetDescription]) -> list[DatasetDescription]:
    """The data sets, of the folds of one only the first: all of them have the same images."""
    first: dict[str, DatasetDescription] = {}
    for description in descriptions:
        first.setdefault(description.set_of_folds or description.name, description)
    return list(first.values())


class DescribedData(Protocol):
    """Data sets that a report shows: those of an experiment, or some without any training."""

    @property
    def datasets(self) -> Mapping[str, DatasetDescription]:
        """The data sets by name."""

    @property
    def task(self) -> str:
        """Their task, `detect` or `classify`."""


@dataclass
class DescribedDatasets:
    """Data sets without any training."""

    datasets: dict[str, DatasetDescription]

    @property
    def task(self) -> str:
        """`classify` where no data set has boxes."""
        tasks = {description.dataset.task for description in self.datasets.values()}
        return "classify" if tasks == {"classify"} else "detect"
