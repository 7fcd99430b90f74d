"""How YOLO is recognised: text files of numbers, and a file that names the classes."""

from __future__ import annotations

import re
from pathlib import Path, PurePosixPath

from fairtrial import DataError
from fairtrial.formats._recognition import (
    Likeness,
    Listing,
    augmented_group,
    by_split,
    common_folder,
    holding,
)
from fairtrial.formats._yolo_yaml import is_below, places_of, read_yaml

_LIKE_A_LABEL = re.compile(r"\s*\d+(\.0*)?( +-?[\d.]+(e-?\d+)?){4,}\s*")


def likeness(listing: Listing) -> Likeness | None:
    """Text files of numbers beside images, and a file that names the classes."""
    texts = [file for file in listing.ending(".txt") if _is_label(listing, file)]
    yamls = [
        f for f in listing.ending(".yaml", ".yml") if re.search(r"^names *:", listing.head(f), re.M)
    ]
    lists = [
        f for f in listing.files if PurePosixPath(f).name.lower() in ("obj.names", "classes.txt")
    ]
    if not texts or not (yamls or lists):
        return None
    options: dict[str, object] = {}
    if yamls:
        options["yaml"] = yamls[0]
    else:
        options["names"] = lists[0]
    if not yamls or not _finds_its_images(listing.folder, yamls[0]):
        folders = holding(listing.images)
        if splits := by_split(folders):
            options["splits"] = splits
        else:
            options["images"] = common_folder(listing.images)
    if group := augmented_group(listing.images):
        options["group"] = group
    named = (yamls or lists)[0]
    seen = f"{len(texts)} text files of YOLO, classes in {named}, {len(listing.images)} images"
    return Likeness("certain", seen, options)


def _is_label(listing: Listing, file: str) -> bool:
    lines = listing.head(file)[:2000].splitlines()
    return bool(lines) and _LIKE_A_LABEL.fullmatch(lines[0]) is not None


def _finds_its_images(folder: Path, yaml: str) -> bool:
    """Whether each place that data.yaml names is in the folder."""
    try:
        places = places_of(read_yaml(folder / yaml), yaml)
    except DataError:
        return False
    return all(
        not PurePosixPath(part).is_absolute() and is_below(folder / part, folder)
        for _, part in places
    )
