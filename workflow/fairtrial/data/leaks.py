"""Leaks: images in one split whose copy, or an image of whose group, is in another."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass

from fairtrial import DataError
from fairtrial.data.dataset import SPLITS, Image, Splits

KINDS = {  # what is found in two splits, and the method that would keep it together
    "content": ("identical files", "`random`"),
    "group": ("images of one group", "`grouped`"),
    "near": ("copies of one picture", "`random`"),
}


@dataclass(frozen=True)
class Leak:
    """One kind of leak: the sets of images that are in two splits, and an example of them."""

    kind: str
    sets: int
    images: int
    example: str

    def __str__(self) -> str:
        return (
            f"{self.images} images are {KINDS[self.kind][0]} in two splits (sets: {self.sets}), "
            f"such as {self.example}"
        )


def find_leaks(images: list[Image], splits: Splits, near: list[list[int]]) -> list[Leak]:
    """The leaks, at most one of each kind. `near`: clusters of image ids that show one picture."""
    split_of = {number: split for split in SPLITS for number in splits[split]}
    by_id = {image.id: image for image in images if image.id in split_of}
    leaks = []
    for kind in KINDS:
        sets = _sets(by_id, kind, near)
        across = {k: ids for k, ids in sets.items() if len({split_of[n] for n in ids}) > 1}
        if across:
            name = min(across)
            files = {split_of[n]: by_id[n].file_name for n in sorted(across[name], reverse=True)}
            example = " and ".join(f"{file} in {split}" for split, file in sorted(files.items()))
            if kind == "group":
                example = f"group {name}: {example}"
            leaks.append(Leak(kind, len(across), sum(map(len, across.values())), example))
    return leaks


def _sets(images: dict[int, Image], kind: str, near: list[list[int]]) -> dict[str, list[int]]:
    """Ids of images that belong together, by their content, their group or a cluster's number."""
    if kind == "near":
        return {f"{k:09}": [n for n in ids if n in images] for k, ids in enumerate(near)}
    sets: dict[str, list[int]] = {}
    for number, image in images.items():
        if value := image.sha256 if kind == "content" else image.group:
            sets.setdefault(value, []).append(number)
    return sets


def refuse_leaks(leaks: list[Leak], allowed: Iterable[str], where: str) -> None:
    """Raise DataError for the leaks that the data set does not allow."""
    refused = [leak for leak in leaks if leak.kind not in allowed]
    if refused:
        kinds = [leak.kind for leak in refused]
        remedies = {"`grouped`"} if "group" in kinds else {KINDS[kind][1] for kind in kinds}
        raise DataError(
            f"{where}: the split leaks: {'; '.join(map(str, refused))}. The split "
            f"{' or '.join(sorted(remedies))} keeps them together. If that is intended, set "
            f"`allow: [{', '.join(kinds)}]` in the data set's YAML; the report then shows it."
        )
