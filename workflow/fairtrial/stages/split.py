"""split: a data set is a view of a source: its classes, and its train, val and test images."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from fairtrial import DataError
from fairtrial.dataset import SIDES, Dataset, read, write, write_json
from fairtrial.splitting import assign, refuse_leaks, select, summary


def split(*, settings: dict[str, Any], source: Path, annotations: Path, certificate: Path) -> None:
    """Write a data set: its annotations, and the certificate of its split.

    `source` is data/clean/<source>/annotations.json; settings are those of
    config/datasets/<name>.yaml without the source. Raises DataError for classes that the
    source lacks, a class without an object in train, a val without images or objects, two
    classes of one name, and for a split that leaks: one image, or one group, on two sides.
    """
    view = select(read(source), settings["classes"], str(source))
    _refuse_names(list(view.categories.values()), str(source))
    sides = assign(view, settings["split"], str(source))
    refuse_leaks(view, sides, str(source))
    facts = {side: summary(view, sides[side]) for side in SIDES}
    _refuse_hollow(view, facts, str(source))
    write(view, annotations)
    write_json(
        certificate,
        {
            "source": source.parent.name,
            "method": settings["split"]["method"],
            "seed": settings["split"]["seed"],
            "summary": facts,
            **sides,
        },
    )


def _refuse_names(names: list[str], where: str) -> None:
    """Tables and confusion matrices name a class by its name, and no object `background`."""
    twice = sorted({name for name in names if names.count(name) > 1})
    if twice:
        raise DataError(f"{where}: two classes are called {', '.join(twice)}; rename one")
    if "background" in names:
        raise DataError(
            f"{where}: a class is called background, which stands for `no object` in the "
            "results; rename it, or leave it out of the data set's `classes`"
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
