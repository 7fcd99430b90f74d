"""What lies on two sides of a split and must not: an image, its copy, its group."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Image, SplitDataset, read_split_dataset
from fairtrial.files.jsonfile import read_json

Sides = dict[str, list[int]]

KINDS = {  # what is found on two sides, and the split that would keep it together
    "content": ("identical files", "`random`"),
    "group": ("images of one group", "`grouped`"),
    "near": ("copies of one picture", "`random`"),
}


@dataclass(frozen=True)
class Leak:
    """One kind of leak: the sets that lie on two sides, their images, and one of them."""

    kind: str
    sets: int
    images: int
    example: str

    def __str__(self) -> str:
        return (
            f"{self.images} images are {KINDS[self.kind][0]} on two sides (sets: {self.sets}), "
            f"such as {self.example}"
        )


def leaks(images: list[Image], sides: Sides, near: list[list[int]]) -> list[Leak]:
    """All leaks of a split by kind; `near`: clusters of image ids that show one picture."""
    side_of = {number: side for side in SPLITS for number in sides[side]}
    by_id = {image.id: image for image in images if image.id in side_of}
    found = []
    for kind in KINDS:
        sets = _sets(by_id, kind, near)
        parted = {k: ids for k, ids in sets.items() if len({side_of[n] for n in ids}) > 1}
        if parted:
            name = min(parted)
            first = {side_of[n]: by_id[n].file_name for n in sorted(parted[name], reverse=True)}
            shown = " and ".join(f"{file} in {side}" for side, file in sorted(first.items()))
            told = f"group {name}: {shown}" if kind == "group" else shown
            found.append(Leak(kind, len(parted), sum(map(len, parted.values())), told))
    return found


def _sets(images: dict[int, Image], kind: str, near: list[list[int]]) -> dict[str, list[int]]:
    if kind == "near":
        return {f"{k:09}": [n for n in ids if n in images] for k, ids in enumerate(near)}
    found: dict[str, list[int]] = {}
    for number, image in images.items():
        if value := image.sha256 if kind == "content" else image.group:
            found.setdefault(value, []).append(number)
    return found


def refuse(found: list[Leak], allowed: Iterable[str], where: str) -> None:
    """Raise DataError for the leaks that the data set does not allow."""
    refused = [leak for leak in found if leak.kind not in allowed]
    if refused:
        kinds = [leak.kind for leak in refused]
        remedies = {"`grouped`"} if "group" in kinds else {KINDS[kind][1] for kind in kinds}
        raise DataError(
            f"{where}: the split leaks: {'; '.join(map(str, refused))}. The split "
            f"{' or '.join(sorted(remedies))} keeps them together. If it must be so, the data set "
            f"can say `allow: [{', '.join(kinds)}]`, and the report will show it."
        )


def read_leak_free_dataset(annotations: Path, split: Path, folder: Path) -> SplitDataset:
    """`read_split_dataset`, with DataError for a split that leaks more than it is allowed to:
    whoever made or edited it, training on it would flatter the figures."""
    view = read_split_dataset(annotations, split, folder)
    certificate = read_json(split)
    found = leaks(view.dataset.images, view.splits, near_clusters(certificate))
    refuse(found, certificate.get("allow", []), str(split))
    return view


def near_clusters(certificate: dict[str, Any]) -> list[list[int]]:
    """The clusters of copies that split.json lists, as image ids."""
    clusters = certificate.get("duplicates", {}).get("near", [])
    return [cluster["images"] for cluster in clusters]
