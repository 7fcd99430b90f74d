"""The data sets of a report: their contents, how they were split, leaks between splits."""

from __future__ import annotations

import statistics
from collections import Counter
from collections.abc import Iterable
from typing import TypedDict

from fairtrial.data.certificate import Balance, PlacedDuplicates
from fairtrial.data.dataset import SPLITS, counts
from fairtrial.data.objects import counted
from fairtrial.data.quality import QualityReport
from fairtrial.data.summary import SplitSummary
from fairtrial.data.units import GROUPS, IMAGES
from fairtrial.data.unlabelled import labelled_part
from fairtrial.report.cautions import overlaps
from fairtrial.report.wording import UNDEFINED
from fairtrial.results.configuration import setting_text
from fairtrial.results.dataset import DatasetDescription, without_further_folds

CLASSES = 100  # rows of classes in a table at most: the commonest


class BalancePart(TypedDict):
    """What undersampling did to train: its settings, and a row for images and for each class."""

    settings: str
    rows: list[list[str]]


class DatasetPart(TypedDict):
    """One data set. `certificate`, `totals`, `classes` and `defects` are rows of texts; `quality`:
    name of a count → the count, of the source after conversion. `boxes`: whether it has any; where
    images have classes, only images are counted. `grouped`: whether any image has a group."""

    name: str
    boxes: bool
    grouped: bool
    certificate: list[list[str]]
    overlaps: list[str]
    splits: list[str]
    totals: list[list[str]]
    classes: list[list[str]]
    left_out: int
    balance: BalancePart | None
    quality: dict[str, str]
    defects: list[list[str]]


class DataPart(TypedDict):
    """All data sets, and a table of them side by side where there are several. `folds`: whether
    one stands for further folds, which are in that table alone."""

    datasets: list[DatasetPart]
    folds: bool
    overview: list[list[str]]


def data(descriptions: list[DatasetDescription]) -> DataPart:
    """A part for each data set, of folds for the first and for those with a leak; where there are
    several, a table of them side by side."""
    first = without_further_folds(descriptions)
    shown = [d for d in descriptions if d in first or overlaps(d)]
    return {
        "datasets": [_dataset(description) for description in shown],
        "folds": len(first) < len(descriptions),
        "overview": _overview(descriptions) if len(descriptions) > 1 else [],
    }


def _dataset(description: DatasetDescription) -> DatasetPart:
    split_certificate, quality = description.certificate, description.quality
    summaries = [split_certificate.summary[split] for split in SPLITS]
    names = _by_objects(description.dataset.categories.values(), summaries)
    boxes = _has_boxes(description)
    return {
        "name": description.name,
        "boxes": boxes,
        "grouped": any(image.group is not None for image in description.dataset.images),
        "certificate": certificate(description),
        "overlaps": overlaps(description),
        "splits": list(SPLITS),
        "totals": _totals(summaries, boxes),
        "classes": [[name, *_of_class(summaries, name, boxes)] for name in names[:CLASSES]],
        "left_out": max(0, len(names) - CLASSES),
        "balance": _balance(split_certificate.balance, names[:CLASSES]),
        "quality": _quality(quality, boxes) if quality else {},
        "defects": _defects(quality) if quality else [],
    }


def _by_objects(names: Iterable[str], summaries: list[SplitSummary]) -> list[str]:
    """Classes, the commonest first."""
    counts = {name: sum(part.classes[name].objects for part in summaries) for name in names}
    return sorted(counts, key=lambda name: (-counts[name], name))


def _has_boxes(description: DatasetDescription) -> bool:
    """Whether objects are counted; of images with classes each is one."""
    return all(a.bbox is not None for a in description.dataset.annotations)


def _totals(summaries: list[SplitSummary], boxes: bool) -> list[list[str]]:
    """Cells for each split: images and, with boxes, objects of all; where there are any, negatives
    and groups."""
    counts = [(part.images, part.objects) for part in summaries]
    rows = [["all", *(str(n) for pair in counts for n in pair[: 1 + boxes])]]
    negatives = [part.negatives for part in summaries]
    groups = [part.groups for part in summaries]
    for label, numbers in (("without objects", negatives), ("groups", groups)):
        if any(numbers):
            blank = [""] * boxes
            rows.append([label, *(cell for n in numbers for cell in (str(n), *blank))])
    return rows


def _of_class(summaries: list[SplitSummary], name: str, boxes: bool) -> list[str]:
    """Images with the class and, with boxes, objects of it, for each split."""
    counts = [(part.classes[name].images, part.classes[name].objects) for part in summaries]
    return [str(number) for pair in counts for number in pair[: 1 + boxes]]


def _balance(balance: Balance | None, names: list[str]) -> BalancePart | None:
    """Train before and after undersampling: images, then the objects of each class."""
    if balance is None:
        return None
    before, after = balance.before, balance.after
    rows = [["images", str(before.images), str(after.images)]]
    for name in names:
        rows.append([name, *(str(part.classes[name].objects) for part in (before, after))])
    limits = {"ratio": balance.ratio, "cap": balance.cap}
    settings = [f"{key} {limit:g}" for key, limit in limits.items() if limit is not None]
    return {"settings": ", ".join(settings), "rows": rows}


def _quality(quality: QualityReport, boxes: bool) -> dict[str, str]:
    """Numbers of images and, with boxes, of objects and, where there are any, of negatives."""
    if not boxes:
        return {"images": str(quality.images)}
    negatives = {"negatives": str(quality.negatives)} if quality.negatives else {}
    return {"images": str(quality.images)} | negatives | {"objects": str(quality.objects)}


def _defects(quality: QualityReport) -> list[list[str]]:
    """A row for each kind of defect: its name, count, action and explanation."""
    return [
        [kind.replace("_", " "), str(defect.count), defect.action, defect.explanation]
        for kind, defect in sorted(quality.defects.items())
    ]


def certificate(description: DatasetDescription) -> list[list[str]]:
    """How the splits were made, and what was checked: names and sentences."""
    split = description.certificate
    settings = split.asked | {"seed": split.seed}
    order = ("folds", "fold", "val", "test", "stratify", "seed")
    texts = [f"{key} {setting_text(settings, key)}" for key in order if key in settings]
    method = (
        split.method
        if split.method == "given" and "val" not in split.asked
        else f"{split.method}: {', '.join(texts)}"
    )
    rows = [["source", split.source], ["split", method]]
    if mapped := _class_map(split.class_map):
        rows.append(["classes", mapped])
    if split.predict_only:
        rows.append(["test", f"{len(split.test)} images without labels, predicted and not scored"])
    if split.without_split:
        rows.append(["in no split", f"{split.without_split} images, which are not used"])
    groups = split.unit_name if split.unit_name != IMAGES else GROUPS
    rows += [[groups, _groups(description)], *_duplicates(split.duplicates)]
    if split.allow:
        rows.append(["allowed by hand", f"{', '.join(split.allow)} in two splits"])
    return rows


def _class_map(mapped: dict[str, str | None]) -> str:
    """What became of the source's classes: those that were renamed, joined or left out."""
    olds: dict[str, list[str]] = {}
    for old, name in mapped.items():
        if name is not None and name != old:
            olds.setdefault(name, []).append(old)
    parts = [f"{', '.join(old)} → {name}" for name, old in olds.items()]
    if left := [old for old, name in mapped.items() if name is None]:
        listed = ", ".join(left[:12]) + (f" and {len(left) - 12} more" if len(left) > 12 else "")
        parts.append(f"left out: {listed}")
    return "; ".join(parts)


def _groups(description: DatasetDescription) -> str:
    """Number and sizes of the groups, or that there are none."""
    sizes = Counter(i.group for i in description.dataset.images if i.group is not None)
    if not sizes:
        return (
            "the source names none, so it is unknown whether images of one patient or video are "
            "in several splits"
        )
    span = sorted({min(sizes.values()), max(sizes.values())})
    return f"{len(sizes)}, of {' to '.join(map(str, span))} images"


def _duplicates(duplicates: PlacedDuplicates) -> list[list[str]]:
    """Rows on identical files, copies of a picture, and pairs that look alike."""
    rows = []
    kinds = {"identical files": duplicates.exact, "copies of a picture": duplicates.near}
    for name, clusters in kinds.items():
        images = sum(len(cluster.images) for cluster in clusters)
        apart = sum(len(cluster.splits) > 1 for cluster in clusters)
        where = f"{apart} of them in two splits" if apart else "each in one split"
        text = f"{len(clusters)} sets of {images} images, {where}" if clusters else "none"
        rows.append([name, text])
    if duplicates.versions:
        text = f"{duplicates.versions} of these sets are augmented versions, by their names"
        rows.append(["augmented versions", text])
    if duplicates.same or duplicates.different:
        text = f"{duplicates.same} pairs are one picture, {duplicates.different} are two"
        rows.append(["decided by hand", text])
    across = len(duplicates.doubtful_across)
    where = f", of which {across} in two splits: to be looked at" if across else ""
    return [*rows, ["pairs that look alike", f"{duplicates.doubtful or 'none'}{where}"]]


def _overview(descriptions: list[DatasetDescription]) -> list[list[str]]:
    """A row for each fact, a column for each data set; the first row holds their names."""
    facts = [_facts(description) for description in descriptions]
    labels = list(dict.fromkeys(label for of_dataset in facts for label in of_dataset))
    rows = [
        [label, *(of_dataset.get(label, UNDEFINED) for of_dataset in facts)] for label in labels
    ]
    return [["", *(description.name for description in descriptions)], *rows]


def _facts(description: DatasetDescription) -> dict[str, str]:
    """The rows of one data set in the overview: label → text."""
    dataset, boxes = description.dataset, _has_boxes(description)
    facts = {"source": description.source, "method": description.certificate.method}
    for split in SPLITS:
        summary = description.certificate.summary[split]
        facts[f"{split}: images"] = str(summary.images)
        if boxes:
            facts[f"{split}: objects"] = str(summary.objects)
    facts["classes"] = str(len(dataset.categories))
    facts |= _rarest(description)
    if not boxes:
        return facts
    by_image = labelled_part(dataset).by_image().values()
    objects = [len(counted(annotations)) for annotations in by_image]
    facts["objects per image"] = (
        f"{statistics.median(objects):g} ({min(objects)} to {max(objects)})"
    )
    return facts


def _rarest(description: DatasetDescription) -> dict[str, str]:
    """The rarest and the commonest class of train, by objects."""
    ids = set(description.certificate.train)
    objects = counts(a for a in counted(description.dataset.annotations) if a.image_id in ids)
    if not objects:
        return {}
    names = description.dataset.categories
    order = sorted(objects, key=lambda number: (objects[number], names[number]))
    return {
        "rarest in train": f"{names[order[0]]}: {objects[order[0]]}",
        "commonest in train": f"{names[order[-1]]}: {objects[order[-1]]}",
    }
