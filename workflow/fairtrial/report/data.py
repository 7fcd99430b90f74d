"""The data sets of a report: what is in them, how they were split, what to beware of."""

from __future__ import annotations

import statistics
from typing import Any

from fairtrial.data.dataset import SPLITS, counts
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
    summary = view.certificate.get("summary") or {}
    sides = [side for side in SPLITS if side in summary]
    names = list(view.dataset.categories.values())
    keys = {"all": None, "without objects": "negatives", "groups": "groups"}
    rows = [
        [label, *(cell for side in sides for cell in _totals(summary[side], key))]
        for label, key in keys.items()
        if key is None or any(summary[side].get(key) for side in sides)
    ]
    return {
        "name": view.name,
        "certificate": certificate(view),
        "overlaps": overlaps(view),
        "sides": sides,
        "totals": rows,
        "classes": [[name, *_of_class(summary, sides, name)] for name in names[:CLASSES]],
        "left_out": max(0, len(names) - CLASSES),
        "balance": _balance(view.certificate.get("balance"), names[:CLASSES]),
        **_quality(view.quality or {}),
    }


def _totals(side: dict[str, Any], key: str | None) -> list[str]:
    """Images, and objects where they are another number."""
    if key is None:
        return [str(side.get("images", UNDEFINED)), str(side.get("objects", UNDEFINED))]
    return [str(side.get(key, 0)), ""]


def _of_class(summary: dict[str, Any], sides: list[str], name: str) -> list[str]:
    found = []
    for side in sides:
        held = (summary[side].get("classes") or {}).get(name) or {}
        found += [str(held.get("images", 0)), str(held.get("objects", 0))]
    return found


def _balance(balance: dict[str, Any] | None, names: list[str]) -> dict[str, Any] | None:
    """Train before and after undersampling: images, then the objects of each class."""
    if not balance:
        return None
    before, after = balance["before"], balance["after"]
    rows = [["images", str(before["images"]), str(after["images"])]]
    for name in names:
        rows.append([name, *(str(part["classes"][name]["objects"]) for part in (before, after))])
    asked = [f"{key} {balance[key]:g}" for key in ("ratio", "cap") if balance.get(key) is not None]
    return {"asked": ", ".join(asked), "rows": rows}


def _quality(quality: dict[str, Any]) -> dict[str, Any]:
    rows = [
        [
            kind.replace("_", " "),
            str(found.get("count", "")),
            str(found.get("action", "")),
            str(found.get("explanation", "")),
        ]
        for kind, found in sorted((quality.get("defects") or {}).items())
    ]
    kept = {key: setting_text(quality, key) for key in quality if isinstance(quality[key], int)}
    return {"quality": kept, "defects": rows}


def certificate(view: DatasetDescription) -> list[list[str]]:
    """How the sides were made, and what was looked at: names and sentences."""
    split = view.certificate
    asked = (split.get("asked") or {}) | {"seed": split.get("seed")}
    order = ("folds", "fold", "val", "test", "stratify", "seed")
    how = ", ".join(f"{key} {setting_text(asked, key)}" for key in order if key in asked)
    method = split.get("method", UNDEFINED)
    rows = [["source", view.source], ["split", f"{method}: {how}" if method != "given" else method]]
    if told := _classes(split.get("class_map") or {}):
        rows.append(["classes", told])
    if split.get("without_side"):
        rows.append(["without a side", f"{split['without_side']} images, which are not used"])
    rows += [["groups", _groups(view)], *_duplicates(split.get("duplicates") or {})]
    if allow := split.get("allow"):
        rows.append(["allowed by hand", f"{', '.join(allow)} on two sides"])
    return rows


def _classes(mapped: dict[str, str | None]) -> str:
    """What became of the source's classes, where anything did."""
    new: dict[str, list[str]] = {}
    for old, name in mapped.items():
        if name is not None and name != old:
            new.setdefault(name, []).append(old)
    told = [f"{', '.join(old)} → {name}" for name, old in new.items()]
    if left := [old for old, name in mapped.items() if name is None]:
        shown = ", ".join(left[:12]) + (f" and {len(left) - 12} more" if len(left) > 12 else "")
        told.append(f"left out: {shown}")
    return "; ".join(told)


def _groups(view: DatasetDescription) -> str:
    sizes: dict[str, int] = {}
    for image in view.dataset.images:
        if image.group is not None:
            sizes[image.group] = sizes.get(image.group, 0) + 1
    if not sizes:
        return "the source names none, so whether images of one patient or video are apart is open"
    span = sorted({min(sizes.values()), max(sizes.values())})
    return f"{len(sizes)}, of {' to '.join(map(str, span))} images"


def _duplicates(found: dict[str, Any]) -> list[list[str]]:
    if not found:
        return []
    rows = []
    for kind, name in (("exact", "identical files"), ("near", "copies of a picture")):
        clusters = found[kind]
        images = sum(len(cluster["images"]) for cluster in clusters)
        apart = sum(len(cluster["sides"]) > 1 for cluster in clusters)
        kept = f"{apart} of them on two sides" if apart else "each on one side"
        told = f"{len(clusters)} sets of {images} images, {kept}" if clusters else "none"
        rows.append([name, told])
    across = len(found["doubtful_across"])
    shown = f", of which {across} on two sides: look at them below" if across else ""
    return [*rows, ["pairs that look alike", f"{found['doubtful'] or 'none'}{shown}"]]


def _beside(views: list[DatasetDescription]) -> list[list[str]]:
    """A row a fact, a column a data set; the first row holds their names."""
    facts = [_facts(view) for view in views]
    labels = list(dict.fromkeys(label for own in facts for label in own))
    rows = [[label, *(own.get(label, UNDEFINED) for own in facts)] for label in labels]
    return [["", *(view.name for view in views)], *rows]


def _facts(view: DatasetDescription) -> dict[str, str]:
    summary = view.certificate.get("summary") or {}
    found = {"source": view.source, "method": str(view.certificate.get("method", UNDEFINED))}
    for side in (side for side in SPLITS if summary.get(side)):
        part = summary[side]
        found[f"{side}: images"] = str(part.get("images", UNDEFINED))
        found[f"{side}: objects"] = str(part.get("objects", UNDEFINED))
    found["classes"] = str(len(view.dataset.categories))
    found |= _rarest(view)
    per_image = [len(objects) for objects in view.dataset.by_image().values()]
    found["objects an image"] = (
        f"{statistics.median(per_image):g} ({min(per_image)} to {max(per_image)})"
    )
    return found


def _rarest(view: DatasetDescription) -> dict[str, str]:
    """The rarest and the commonest class of train, by objects."""
    wanted = set(view.certificate.get("train") or [])
    held = counts(a for a in view.dataset.annotations if a.image_id in wanted)
    if not held:
        return {}
    names = view.dataset.categories
    order = sorted(held, key=lambda number: (held[number], names[number]))
    return {
        "rarest in train": f"{names[order[0]]}: {held[order[0]]}",
        "commonest in train": f"{names[order[-1]]}: {held[order[-1]]}",
    }
