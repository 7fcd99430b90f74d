"""What split.json says: how a data set was made, what is in it, and what to beware of."""

from __future__ import annotations

from typing import Any

from fairtrial.data.dataset import SPLITS, Dataset
from fairtrial.data.leaks import Leak
from fairtrial.data.selection import ClassMap, summary

Sides = dict[str, list[int]]
Found = dict[str, list[Any]]


def numbered(found: Found, view: Dataset) -> Found:
    """duplicates.json with image ids in place of file names: `exact` and `near` clusters, and
    `doubtful` pairs; what is not in the set is left out."""
    numbers = {image.file_name: image.id for image in view.images}
    clusters = {
        kind: [[numbers[file] for file in files if file in numbers] for files in found[kind]]
        for kind in ("exact", "near")
    }
    pairs = [
        {"images": [numbers[pair["a"]], numbers[pair["b"]]]}
        | {key: pair[key] for key in ("distance", "difference")}
        for pair in found["doubtful"]
        if pair["a"] in numbers and pair["b"] in numbers
    ]
    kept = {kind: [ids for ids in found if len(ids) > 1] for kind, found in clusters.items()}
    return kept | {"doubtful": pairs}


def certify(
    view: Dataset,
    sides: Sides,
    settings: dict[str, Any],
    found: Found,
    leaking: list[Leak],
    mapped: ClassMap,
) -> dict[str, Any]:
    """All of split.json but its source and the balance. `found`: see `numbered`."""
    used = sum(map(len, sides.values()))
    return {
        "method": settings["split"]["method"],
        "seed": settings["split"]["seed"],
        "asked": _asked(settings["split"]),
        "allow": settings["allow"],
        "class_map": mapped,
        "summary": {side: summary(view, sides[side]) for side in SPLITS},
        "duplicates": _placed(found, sides),
        "leaks": {leak.kind: {"sets": leak.sets, "images": leak.images} for leak in leaking},
        "without_side": len(view.images) - used,
        "balance": None,
        **sides,
    }


def _asked(split: dict[str, Any]) -> dict[str, Any]:
    """The settings that had a part in it."""
    keys = {"given": (), "kfold": ("folds", "fold")}.get(split["method"], ("val", "test"))
    asked = {key: split[key] if split[key] < 1 else int(split[key]) for key in keys}
    return asked | ({"stratify": True} if split["stratify"] else {})


def _placed(found: Found, sides: Sides) -> dict[str, Any]:
    """The clusters with the sides on which they lie, and the doubtful pairs that lie on two."""
    side_of = {number: side for side in SPLITS for number in sides[side]}

    def places(ids: list[int]) -> list[str]:
        return sorted({side_of[number] for number in ids if number in side_of})

    clusters = {
        kind: [{"images": ids, "sides": places(ids)} for ids in found[kind]]
        for kind in ("exact", "near")
    }
    across = [
        pair | {"sides": [side_of[number] for number in pair["images"]]}
        for pair in found["doubtful"]
        if len(places(pair["images"])) > 1
    ]
    across.sort(key=lambda pair: (pair["difference"], pair["images"]))
    return clusters | {"doubtful": len(found["doubtful"]), "doubtful_across": across}


def balanced(view: Dataset, asked: dict[str, Any], full: list[int], kept: list[int]) -> Any:
    """What undersampling did to train: images and objects before and after, what it left out."""
    both = {"before": summary(view, full), "after": summary(view, kept)}
    return asked | {"left_out": sorted(set(full) - set(kept))} | both
