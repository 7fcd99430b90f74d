"""What the page's image browser is told: images, runs, counts; and the runs of folds as one."""

from __future__ import annotations

import statistics
from collections.abc import Sequence
from typing import TypedDict, TypeVar

Flat = list[float]  # entries of equal length one after another: a box has 8


class BrowserImage(TypedDict):
    """An image; `truth`: class, x, y, width, height and crowd of each object, or its class alone;
    `group`: "" without."""

    file: str
    width: int
    height: int
    group: str
    truth: list[Flat]


class BrowserCounts(TypedDict):
    """What the scorer counts on the whole split: for each class its objects, and for each
    confidence of the slider, then for the run's own, what is right and what is a false alarm."""

    objects: list[int]
    right: list[list[int]]
    false: list[list[int]]


class BrowserRun(TypedDict):
    """One run, or those of all `folds` (0: none) of a configuration together, whose `confidence` is
    the mean of those that are its `own` for each image; `names`: of all of them.

    `marks` and `pairs` have an entry for each image, None where it is not in its split: boxes, or
    the likeliest classes; pairs of the confusion matrix, `matrix` that of the split (the last class
    is background)."""

    name: str
    names: list[str]
    letter: str
    label: str
    seed: int
    colour: int
    confidence: float | None
    folds: int
    own: list[float | None]
    marks: list[Flat | None]
    pairs: list[list[int] | None]
    matrix: list[list[int]]
    counts: BrowserCounts


class BrowserPart(TypedDict):
    """The browser of one comparison; `total`: images of the split, of which `images` are shown."""

    split: str
    classes: list[str]
    kinds: list[str]
    iou: str
    confidences: list[float]
    total: int
    images: list[BrowserImage]
    runs: list[BrowserRun]


Entry = TypeVar("Entry")


def of_all_folds(part: BrowserPart) -> BrowserPart:
    """The same with the runs of the folds of a configuration as one for each seed: each image is in
    the split of one fold, and counts add up."""
    alike: dict[tuple[str, int], list[BrowserRun]] = {}
    for run in part["runs"]:
        alike.setdefault((run["letter"], run["seed"]), []).append(run)
    return {**part, "runs": [_joined(runs) for runs in alike.values()]}


def _joined(runs: Sequence[BrowserRun]) -> BrowserRun:
    own = [run["confidence"] for run in runs if run["confidence"] is not None]
    counts = [run["counts"] for run in runs]
    return {
        **runs[0],
        "names": [run["name"] for run in runs],
        "folds": len(runs),
        "confidence": statistics.fmean(own) if own else None,
        "own": _first_known([_own(run) for run in runs]),
        "marks": _first_known([run["marks"] for run in runs]),
        "pairs": _first_known([run["pairs"] for run in runs]),
        "matrix": _sums([run["matrix"] for run in runs]),
        "counts": {
            "objects": [
                sum(of_class) for of_class in zip(*(c["objects"] for c in counts), strict=True)
            ],
            "right": _sums([c["right"] for c in counts]),
            "false": _sums([c["false"] for c in counts]),
        },
    }


def _own(run: BrowserRun) -> list[float | None]:
    """Its confidence for each image of its split."""
    return [None if mark is None else run["confidence"] for mark in run["marks"]]


def _first_known(lists: Sequence[Sequence[Entry | None]]) -> list[Entry | None]:
    """For each image the entry of the first list that has one."""
    return [
        next((entry for entry in of_image if entry is not None), None)
        for of_image in zip(*lists, strict=True)
    ]


def _sums(tables: Sequence[list[list[int]]]) -> list[list[int]]:
    """The sum of tables of equal form."""
    return [[sum(cells) for cells in zip(*rows, strict=True)] for rows in zip(*tables, strict=True)]
