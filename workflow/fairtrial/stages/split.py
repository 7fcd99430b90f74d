"""split: a data set is a view of a source: its classes, and its train, val and test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.data import leaks
from fairtrial.data.balance import undersample
from fairtrial.data.certificate import balanced, certify, numbered
from fairtrial.data.dataset import Dataset, read, write
from fairtrial.data.selection import ClassMap, class_map, select, summary
from fairtrial.data.splitting import assign
from fairtrial.files.jsonfile import read_json, write_json


def split(
    *,
    settings: dict[str, Any],
    source: Path,
    duplicates: Path,
    annotations: Path,
    certificate: Path,
) -> None:
    """Make a data set: its annotations and the certificate of its split.

    Args:
        settings: JSON of the resolved settings, or @FILE with it
        source: data/clean/<source>/annotations.json
        duplicates: data/clean/<source>/duplicates.json
        annotations: file to write: the data set's annotations
        certificate: file to write: which image is in which split, and what was checked

    Raises:
        DataError: the source lacks a class, train has no object of a class, val has no image or no
            object, test has images but no object, two classes share a name, or the split leaks more
            than `allow` permits
    """
    view, mapped = _view(read(source), settings, str(source))
    told = _split(view, mapped, settings, read_json(duplicates), str(source))
    _refuse_hollow(view, told["summary"], str(source))
    _print(told)
    write(view, annotations)
    write_json(certificate, {"source": source.parent.name} | told)


def _view(source: Dataset, settings: dict[str, Any], where: str) -> tuple[Dataset, ClassMap]:
    classes, single = settings["classes"], settings["single_cls"]
    _refuse_names(list(source.categories.values()), where)
    mapped = class_map(source, classes, single, where)
    order = sorted(set(classes.values())) if isinstance(classes, dict) else classes
    view = select(source, mapped, [single] if single else order)
    _refuse_background(list(view.categories.values()), where)
    return view, mapped


def _split(
    view: Dataset, mapped: ClassMap, settings: dict[str, Any], found: Any, where: str
) -> dict[str, Any]:
    found, asked, allow = numbered(found, view), settings["split"], settings["allow"]
    sides = assign(view, asked, found["near"], allow, where)
    leaking = leaks.leaks(view.images, sides, found["near"])
    leaks.refuse(leaking, allow, where)
    told = certify(view, sides, settings, found, leaking, mapped)
    if settings["balance"]:
        kept = undersample(view, sides["train"], settings["balance"], asked["seed"])
        told["balance"] = balanced(view, settings["balance"], sides["train"], kept)
        told["train"], told["summary"]["train"] = kept, summary(view, kept)
    return told


def _print(told: dict[str, Any]) -> None:
    """The choices that a reader of the log looks for."""
    for old, new in told["class_map"].items():
        print(f"class {old}: {'left out' if new is None else new}")
    for side, facts in told["summary"].items():
        print(f"{side}: {facts['images']} images, {facts['objects']} objects")
    if told["without_side"]:
        print(f"{told['without_side']} images have no side and are not used")
    if told["balance"]:
        print(f"balance: {len(told['balance']['left_out'])} images left out of train")
    for kind, leak in told["leaks"].items():
        print(f"allowed: {leak['images']} images are {leaks.KINDS[kind][0]} on two sides")
    if across := told["duplicates"]["doubtful_across"]:
        print(f"look at them: {len(across)} pairs on two sides may show the same (see the report)")


def _refuse_names(names: list[str], where: str) -> None:
    """Tables and confusion matrices name a class by its name."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{where}: two classes are called {', '.join(twice)}; rename one")


def _refuse_background(names: list[str], where: str) -> None:
    if "background" in names:
        raise DataError(
            f"{where}: a class is called background, which stands for `no object` in the "
            "results; give it another name in the data set's `classes`, or leave it out"
        )


def _refuse_hollow(view: Dataset, facts: dict[str, Any], where: str) -> None:
    for side in ("train", "val"):
        if not facts[side]["images"]:
            raise DataError(f"{where}: the split leaves no image in {side}; change its shares")
    if not facts["val"]["objects"]:
        raise DataError(
            f"{where}: no object in val, on which the best epoch and the confidence are chosen; "
            "change the split's seed or shares"
        )
    present = facts["train"]["classes"]
    missing = [name for name in view.categories.values() if not present[name]["objects"]]
    if missing:
        raise DataError(
            f"{where}: no object of {', '.join(missing)} in train, so nothing can be learned of "
            "it; leave it out of `classes`, or change the split's seed or shares"
        )
    if facts["test"]["images"] and not facts["test"]["objects"]:
        raise DataError(
            f"{where}: no object in test ({facts['test']['images']} images), so no figure can be "
            "computed there; change the split's seed or shares, or leave test without images"
        )
