"""How COCO JSON is recognised in a folder."""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import PurePosixPath

from fairtrial import DataError
from fairtrial.files.jsonfile import sections
from fairtrial.formats._recognition import Likeness, Listing, split_of_path

_PARTS = {"images", "annotations", "categories"}
_NAMES_OF_GROUPS = ("group", "patient", "patient_id", "video", "video_id", "scene", "sequence")


def likeness(listing: Listing) -> Likeness | None:
    """JSON files with COCO's three parts, each with the folder of its images."""
    candidates = listing.ending(".json")
    if len(candidates) > 200:  # one JSON file an image
        return None
    seen = [file for name in candidates if (file := _SeenFile.of(listing, name)) is not None]
    chosen: list[_SeenFile] = []
    # where two describe the same images (boxes, key points, captions), the one with boxes
    for file in sorted(seen, key=lambda f: ("instances" not in f.name, -f.boxes, f.name)):
        if not any(file.images & other.images and file.place == other.place for other in chosen):
            chosen.append(file)
    if not chosen:
        return None
    chosen.sort(key=lambda file: file.name)
    splits = [
        split_of_path(PurePosixPath(f.name).name) or split_of_path(f.name) or split_of_path(f.place)
        for f in chosen
    ]
    given = len({split for split in splits if split}) == len(chosen) > 1
    files = [
        {"annotations": file.name, "images": file.place}
        | ({"split": split} if given and split and file.objects else {})
        for file, split in zip(chosen, splits, strict=True)
    ]
    options: dict[str, object] = {"files": files}
    keys = frozenset.intersection(*(file.groups for file in chosen))
    if group := next((key for key in _NAMES_OF_GROUPS if key in keys), None):
        options["group"] = group
    if any(file.has_parent for file in chosen):
        options["parents"] = "drop"
    found, named = sum(file.found for file in chosen), sum(len(file.images) for file in chosen)
    names = ", ".join(file.name for file in chosen)
    notes = [
        f"not used, for its images stand in another file: {f.name}" for f in seen if f not in chosen
    ]
    notes += [
        f"{file.name} has no annotations, so its images are in no split; "
        f"`fairtrial submission --images {file.place}` predicts them, or every run does where "
        f'they are `unlabelled: ["{file.place}/*"]` here and `predict_only` in the data set'
        for file in chosen
        if not file.objects
    ]
    words = f"COCO JSON: {names}; {found} of {named} images are there"
    return Likeness("certain", words, options, tuple(notes))


@dataclass(frozen=True)
class _SeenFile:
    """A JSON file with COCO's parts."""

    name: str
    images: frozenset[str]  # their file names
    objects: int
    boxes: int  # objects that state one
    groups: frozenset[str]  # keys that images share and that may name their group
    has_parent: bool
    place: str  # the folder of its images
    found: int  # images that are there

    @classmethod
    def of(cls, listing: Listing, name: str) -> _SeenFile | None:
        """The file, or None where it is another JSON."""
        if not re.search(r'"(images|annotations|categories|info)"', listing.head(name)):
            return None
        rows: dict[str, list[dict[str, object]]] = {}
        try:
            for key, values in sections(listing.folder / name):
                if key in _PARTS:
                    rows[key] = [row for row in values if isinstance(row, dict)]
        except DataError:
            return None
        if set(rows) != _PARTS or not rows["images"]:
            return None
        images = [str(row.get("file_name")) for row in rows["images"]]
        groups = {key for key in _NAMES_OF_GROUPS if _groups(rows["images"], key)}
        place, found = listing.folder_of(images, name)
        boxes = sum("bbox" in row for row in rows["annotations"])
        return cls(
            name,
            frozenset(images),
            len(rows["annotations"]),
            boxes,
            frozenset(groups),
            _has_parent(rows),
            place,
            found,
        )


def _groups(images: list[dict[str, object]], key: str) -> bool:
    """Whether each image has the key, and some share its value."""
    values = [row.get(key) for row in images]
    return None not in values and "" not in values and len({*map(str, values)}) < len(values)


def _has_parent(rows: dict[str, list[dict[str, object]]]) -> bool:
    """Whether a category without objects is the supercategory of another."""
    used = {row.get("category_id") for row in rows["annotations"]}
    parents = {row.get("supercategory") for row in rows["categories"]}
    return any(r.get("name") in parents and r.get("id") not in used for r in rows["categories"])
