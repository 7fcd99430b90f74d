"""The data sets of a report: what is in them, how they were split, what to beware of."""

from __future__ import annotations

import statistics
from typing import Any

from fairtrial.data.certificate import Balance, PlacedDuplicates
from fairtrial.data.dataset import SPLITS, counts
from fairtrial.data.quality import QualityReport
from fairtrial.data.summary import SplitSummary
from fairtrial.report.answer import UNDEFINED
from fairtrial.report.cautions import overlaps
from fairtrial.results.configuration import setting_text
from fairtrial.results.dataset import DatasetDescription

CLASSES = 40  # rows of classes in a table; with more the figures have to do


def data(views: list[DatasetDescription]) -> dict[str, Any]:
    """One part a data set; where there are several, a table of them side by side."""
    return {
        "views": [_view(view) for view in views],
        "beside": _beside(views) if len(views) > 1 else [],
    }


def _view(view: DatasetDescription) -> dict[str, Any]:
    summaries = [view.certificate.summary[split] for split in SPLITS]
    names = list(view.dataset.categories.values())
    return {
        "name": view.name,
        "certificate": certificate(view),
        "overlaps": overlaps(view),
        "splits": list(SPLITS),
        "totals": _totals(summaries),
        "classes": [[name, *_of_class(summaries, name)] for name in names[:CLASSES]],
        "left_out": max(0, len(names) - CLASSES),
        "balance": _balance(view.certificate.balance, names[:CLASSES]),
        **_quality(view.quality),
    }


def _totals(summaries: list[SplitSummary]) -> list[list[str]]:
    """Two cells a split: images and objects of all; where there are any, negatives and groups."""
    rows = [["all", *(str(n) for part in summaries for n in (part.images, part.objects))]]
    negatives = [part.negatives for part in summaries]
    groups = [part.groups for part in summaries]
    for label, numbers in (("without objects", negatives), ("groups", groups)):
        if any(numbers):
            rows.append([label, *(cell for number in numbers for cell in (str(number), ""))])
    return rows


def _of_class(summaries: list[SplitSummary], name: str) -> list[str]:
    counted = [part.classes[name] for part in summaries]
    return [str(number) for part in counted for number in (part.images, part.objects)]


def _balance(balance: Balance | None, names: list[str]) -> dict[str, Any] | None:
    """Train before and after undersampling: images, then the objects of each class."""
    if balance is None:
        return None
    before, after = balance.before, balance.after
    rows = [["images", str(before.images), str(after.images)]]
    for name in names:
        rows.append([name, *(str(part.classes[name].objects) for part in (before, after))])
    limits = {"ratio": balance.ratio, "cap": balance.cap}
    asked = [f"{key} {limit:g}" for key, limit in limits.items() if limit is not None]
    return {"asked": ", ".join(asked), "rows": rows}


def _quality(quality: QualityReport | None) -> dict[str, Any]:
    if quality is None:
        return {"quality": {}, "defects": []}
    rows = [
        [kind.replace("_", " "), str(defect.count), defect.action, defect.explanation]
        for kind, defect in sorted(quality.defects.items())
    ]
    totals = {
        "images": str(quality.images),
        "negatives": str(quality.negatives),
        "objects": str(quality.objects),
    }
    return {"quality": totals, "defects": rows}


def certificate(view: DatasetDescription) -> list[list[str]]:
    """How the splits were made, and what was checked: names and sentences."""
    made = view.certificate
    asked = made.asked | {"seed": made.seed}
    order = ("folds", "fold", "val", "test", "stratify", "seed")
    how = ", ".join(f"{key} {setting_text(asked, key)}" for key in order if key in asked)
    method = made.method if made.method == "given" else f"{made.method}: {how}"
    rows = [["source", made.source], ["split", method]]
    if classes := _classes(made.class_map):
        rows.append(["classes", classes])
    if made.without_split:
        rows.append(["in no split", f"{made.without_split} images, which are not used"])
    rows += [["groups", _groups(view)], *_duplicates(made.duplicates)]
    if made.allow:
        rows.append(["allowed by hand", f"{', '.join(made.allow)} in two splits"])
    return rows


def _classes(mapped: dict[str, str | None]) -> str:
    """What became of the source's classes, where anything did."""
    new: dict[str, list[str]] = {}
    for old, name in mapped.items():
        if name is not None and name != old:
            new.setdefault(name, []).append(old)
    changes = [f"{', '.join(old)} → {name}" for name, old in new.items()]
    if left := [old for old, name in mapped.items() if name is None]:
        more = f" and {len(left) - 12} more" if len(left) > 12 else ""
        changes.append(f"left out: {', '.join(left[:12])}{more}")
    return "; ".join(changes)


def _groups(view: DatasetDescription) -> str:
    sizes: dict[str, int] = {}
    for image in view.dataset.images:
        if image.group is not None:
            sizes[image.group] = sizes.get(image.group, 0) + 1
    if not sizes:
        return "the source names none, so whether images of one patient or video are apart is open"
    span = sorted({min(sizes.values()), max(sizes.values())})
    return f"{len(sizes)}, of {' to '.join(map(str, span))} images"


def _duplicates(duplicates: PlacedDuplicates) -> list[list[str]]:
    rows = []
    kinds = {"identical files": duplicates.exact, "copies of a picture": duplicates.near}
    for name, clusters in kinds.items():
        images = sum(len(cluster.images) for cluster in clusters)
        apart = sum(len(cluster.splits) > 1 for cluster in clusters)
        where = f"{apart} of them in two splits" if apart else "each in one split"
        sets = f"{len(clusters)} sets of {images} images, {where}" if clusters else "none"
        rows.append([name, sets])
    across = len(duplicates.doubtful_across)
    remark = f", of which {across} in two splits: look at them below" if across else ""
    return [*rows, ["pairs that look alike", f"{duplicates.doubtful or 'none'}{remark}"]]


def _beside(views: list[DatasetDescription]) -> list[list[str]]:
    """A row a fact, a column a data set; the first row holds their names."""
    facts = [_facts(view) for view in views]
    labels = list(dict.fromkeys(label for own in facts for label in own))
    rows = [[label, *(own.get(label, UNDEFINED) for own in facts)] for label in labels]
    return [["", *(view.name for view in views)], *rows]


def _facts(view: DatasetDescription) -> dict[str, str]:
    facts = {"source": view.source, "method": view.certificate.method}
    for split in SPLITS:
        summary = view.certificate.summary[split]
        facts[f"{split}: images"] = str(summary.images)
        facts[f"{split}: objects"] = str(summary.objects)
    facts["classes"] = str(len(view.dataset.categories))
    facts |= _rarest(view)
    per_image = [len(objects) for objects in view.dataset.by_image().values()]
    facts["objects an image"] = (
        f"{statistics.median(per_image):g} ({min(per_image)} to {max(per_image)})"
    )
    return facts


def _rarest(view: DatasetDescription) -> dict[str, str]:
    """The rarest and the commonest class of train, by objects."""
    inside = set(view.certificate.train)
    objects = counts(a for a in view.dataset.annotations if a.image_id in inside)
    if not objects:
        return {}
    names = view.dataset.categories
    order = sorted(objects, key=lambda category: (objects[category], names[category]))
    return {
        "rarest in train": f"{names[order[0]]}: {objects[order[0]]}",
        "commonest in train": f"{names[order[-1]]}: {objects[order[-1]]}",
    }
