"""split.json, the split certificate: how the splits were made, what they hold, what leaks."""

from __future__ import annotations

from operator import not_
from pathlib import Path
from typing import TYPE_CHECKING

from pydantic import Field

from fairtrial.data.dataset import SPLITS, Dataset, Splits
from fairtrial.data.duplicates import ImageDuplicates
from fairtrial.data.leaks import Leak
from fairtrial.data.selection import ClassMap
from fairtrial.data.splitting import draws_val
from fairtrial.data.summary import SplitSummary, summarize
from fairtrial.data.units import GROUPS, IMAGES, dependent_images, unit_name
from fairtrial.data.unlabelled import PREDICTED
from fairtrial.files.modelfile import FileModel, read_model

if TYPE_CHECKING:
    from fairtrial.data.splitting import SplitOptions


class PlacedCluster(FileModel):
    """Copies of one picture, and the splits in which they are."""

    images: list[int]
    splits: list[str]


class PlacedPair(FileModel):
    """Two images that look alike, and the split of each."""

    images: tuple[int, int]
    splits: tuple[str, str]
    distance: int
    difference: float


class PlacedDuplicates(FileModel):
    """Where the duplicates are. `doubtful`: the number of pairs; those in two splits follow.

    `versions`: how many pictures have augmented versions, known by their names; `same` and
    `different`: how many pairs a person has decided.
    """

    exact: list[PlacedCluster]
    near: list[PlacedCluster]
    doubtful: int
    doubtful_across: list[PlacedPair]
    versions: int = Field(default=0, exclude_if=not_)
    same: int = Field(default=0, exclude_if=not_)
    different: int = Field(default=0, exclude_if=not_)


class LeakSize(FileModel):
    """How many sets of images are in two splits, and how many images these have."""

    sets: int
    images: int


class Balance(FileModel):
    """What undersampling did to train. `ratio` and `cap` are the settings."""

    ratio: float | None
    cap: int | None
    left_out: list[int]
    before: SplitSummary
    after: SplitSummary


class SplitCertificate(FileModel):
    """split.json. `train`, `val` and `test` are the ids of the images."""

    source: str
    method: str
    seed: int
    asked: dict[str, bool | int | float]  # the other settings that had a part in the split
    allow: list[str]
    class_map: ClassMap
    summary: dict[str, SplitSummary]
    duplicates: PlacedDuplicates
    leaks: dict[str, LeakSize]
    predict_only: bool = Field(default=False, exclude_if=not_)  # test has no labels
    without_split: int  # images that are in no split
    balance: Balance | None
    # Images that are no independent observations of each other, as sets of two or more: a group, or
    # copies of one picture. An image in none of them is a unit of its own.
    units: list[list[int]] = Field(default_factory=list)
    unit_name: str = IMAGES  # what a unit is: `images`, or `groups` (`patients` …)
    train: list[int]
    val: list[int]
    test: list[int]

    @property
    def splits(self) -> Splits:
        """The ids of the images by split."""
        return {"train": self.train, "val": self.val, "test": self.test}

    @property
    def labelled(self) -> Splits:
        """The ids of the images by split, of the splits that can be scored; the others empty."""
        return self.splits | {PREDICTED: []} if self.predict_only else self.splits

    @property
    def near(self) -> list[list[int]]:
        """The clusters of images that show the same picture."""
        return [cluster.images for cluster in self.duplicates.near]

    @property
    def folds(self) -> int:
        """Of how many folds this split is one; 0 where it is none."""
        return int(self.asked["folds"]) if self.method == "kfold" else 0


def read_certificate(path: Path) -> SplitCertificate:
    """The certificate in a split.json. Raises DataError where it is missing or does not fit."""
    return read_model(path, SplitCertificate)


def certify(
    *,
    source: str,
    dataset: Dataset,
    splits: Splits,
    options: SplitOptions,
    allow: list[str],
    class_map: ClassMap,
    duplicates: ImageDuplicates,
    leaks: list[Leak],
    predict_only: bool = False,
    group_name: str | None = None,
) -> SplitCertificate:
    """The certificate of splits before undersampling (see `balanced`)."""
    drawn = draws_val(dataset, options)
    used = {number for ids in splits.values() for number in ids}
    return SplitCertificate(
        source=source,
        method=options.method,
        seed=options.seed,
        asked=_method_settings(options) | ({"val": _size(options.val)} if drawn else {}),
        allow=allow,
        class_map=class_map,
        summary={split: summarize(dataset, splits[split]) for split in SPLITS},
        duplicates=_placed(duplicates, splits),
        leaks={leak.kind: LeakSize(sets=leak.sets, images=leak.images) for leak in leaks},
        predict_only=predict_only,
        without_split=len(dataset.images) - len(used),
        balance=None,
        units=dependent_images(dataset.images, [*duplicates.exact, *duplicates.near], used),
        unit_name=unit_name(dataset.images, used, group_name or GROUPS),
        train=splits["train"],
        val=splits["val"],
        test=splits["test"],
    )


def _method_settings(options: SplitOptions) -> dict[str, bool | int | float]:
    """The settings that had a part in the split, beside method and seed."""
    settings: dict[str, bool | int | float] = {}
    if options.method == "kfold":
        settings |= {"folds": options.folds, "fold": options.fold or 0}
    elif options.method != "given":
        sizes = {"val": options.val, "test": options.test}
        settings |= {split: _size(size) for split, size in sizes.items()}
    if options.stratify:
        settings["stratify"] = True
    return settings


def _size(size: float) -> float:
    """A share, or a whole number of images."""
    return size if size < 1 else int(size)


def _placed(duplicates: ImageDuplicates, splits: Splits) -> PlacedDuplicates:
    """The clusters with the splits in which they are, and the doubtful pairs that are in two."""
    split_of = {number: split for split in SPLITS for number in splits[split]}

    def placed(clusters: list[list[int]]) -> list[PlacedCluster]:
        return [
            PlacedCluster(images=ids, splits=sorted({split_of[n] for n in ids if n in split_of}))
            for ids in clusters
        ]

    across = [
        PlacedPair(
            images=pair.images,
            splits=(split_of[pair.images[0]], split_of[pair.images[1]]),
            distance=pair.distance,
            difference=pair.difference,
        )
        for pair in duplicates.doubtful
        if len({split_of.get(number) for number in pair.images} - {None}) > 1
    ]
    return PlacedDuplicates(
        exact=placed(duplicates.exact),
        near=placed(duplicates.near),
        doubtful=len(duplicates.doubtful),
        doubtful_across=sorted(across, key=lambda pair: (pair.difference, pair.images)),
        versions=duplicates.versions,
        same=duplicates.same,
        different=duplicates.different,
    )


def balanced(
    certificate: SplitCertificate,
    dataset: Dataset,
    train: list[int],
    ratio: float | None,
    cap: int | None,
) -> SplitCertificate:
    """The certificate with the images of `train` alone in train, after undersampling."""
    after = summarize(dataset, train)
    balance = Balance(
        ratio=ratio,
        cap=cap,
        left_out=sorted(set(certificate.train) - set(train)),
        before=certificate.summary["train"],
        after=after,
    )
    summary = certificate.summary | {"train": after}
    return certificate.model_copy(update={"train": train, "summary": summary, "balance": balance})
